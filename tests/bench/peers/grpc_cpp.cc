// SPDX-License-Identifier: Apache-2.0
// gRPC C++ as its users write it for speed: the asynchronous interface with one completion queue on
// each side, or synchronous stubs where a thread waits for its call.
//
//   grpc_cpp serve ENDPOINT          "ready" when it listens
//   grpc_cpp call --connect ENDPOINT and meter.h's other arguments
#include <grpcpp/grpcpp.h>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include "../meter.h"
#include "load.grpc.pb.h"

namespace
{

constexpr int kRequested = 256; // calls that the server is ready to take

// The server

class Service final : public load::Load::WithAsyncMethod_Echo<load::Load::Service>
{
	grpc::Status Down(grpc::ServerContext *, const load::Payload *item,
		grpc::ServerWriter<load::Payload> *writer) override
	{
		while (writer->Write(*item))
			;
		return grpc::Status::OK;
	}

	grpc::Status Both(grpc::ServerContext *,
		grpc::ServerReaderWriter<load::Payload, load::Payload> *stream) override
	{
		load::Payload item;
		while (stream->Read(&item) && stream->Write(item))
			;
		return grpc::Status::OK;
	}
};

class Call
{
public:
	Call(Service *service, grpc::ServerCompletionQueue *queue) : service_(service), queue_(queue)
	{
		Request();
	}

	void GoOn(bool good)
	{
		if (!answered_ && good) {
			reply_.set_data(request_.data());
			answered_ = true;
			writer_->Finish(reply_, grpc::Status::OK, this);
		} else {
			Request();
		}
	}

private:
	void Request()
	{
		answered_ = false;
		writer_.reset();
		context_ = std::make_unique<grpc::ServerContext>();
		writer_ = std::make_unique<grpc::ServerAsyncResponseWriter<load::Payload>>(
			context_.get());
		service_->RequestEcho(context_.get(), &request_, writer_.get(), queue_, queue_, this);
	}

	Service *service_;
	grpc::ServerCompletionQueue *queue_;
	std::unique_ptr<grpc::ServerContext> context_;
	std::unique_ptr<grpc::ServerAsyncResponseWriter<load::Payload>> writer_;
	load::Payload request_, reply_;
	bool answered_ = false;
};

int Serve(const char *endpoint)
{
	Service service;
	grpc::ServerBuilder builder;
	builder.AddListeningPort(endpoint, grpc::InsecureServerCredentials());
	builder.SetMaxReceiveMessageSize(-1);
	builder.RegisterService(&service);
	auto queue = builder.AddCompletionQueue();
	auto server = builder.BuildAndStart();
	if (!server)
		meter_die("cannot listen on %s", endpoint);
	std::vector<std::unique_ptr<Call>> calls;
	for (int i = 0; i < kRequested; i++)
		calls.push_back(std::make_unique<Call>(&service, queue.get()));
	std::puts("ready");
	std::fflush(stdout);
	void *call;
	for (bool good; queue->Next(&call, &good);)
		static_cast<Call *>(call)->GoOn(good);
	return 0;
}

// The client

using Stub = load::Load::Stub;

std::unique_ptr<Stub> Connect(const char *endpoint, int number)
{
	grpc::ChannelArguments arguments;
	arguments.SetMaxReceiveMessageSize(-1);
	arguments.SetInt("bench.number", number); // or channels would share a connection
	return load::Load::NewStub(grpc::CreateCustomChannel(
		endpoint, grpc::InsecureChannelCredentials(), arguments));
}

load::Payload Payload(meter *m, size_t size)
{
	load::Payload payload;
	payload.set_data(meter_payload(m), size);
	return payload;
}

void CallAndWait(Stub *stub, meter *m, unsigned lane, size_t size)
{
	load::Payload request = Payload(m, size), reply;
	uint64_t began_ns;
	do {
		grpc::ClientContext context;
		began_ns = meter_now_ns();
		grpc::Status status = stub->Echo(&context, request, &reply);
		if (!status.ok()) {
			meter_error(m, lane, status.error_message().c_str());
			return;
		}
	} while (meter_note(m, lane, began_ns, reply.data().data(), reply.data().size(), size));
}

// Threads that wait, on one connection or each on its own.
void CallInThreads(const meter_options &o, meter *m, unsigned count)
{
	std::vector<std::unique_ptr<Stub>> stubs;
	std::vector<std::thread> threads;
	for (unsigned i = 0; i < (o.connections ? count : 1); i++)
		stubs.push_back(Connect(o.endpoint, static_cast<int>(i)));
	meter_start(m);
	for (unsigned i = 0; i < count; i++)
		threads.emplace_back(
			CallAndWait, stubs[o.connections ? i : 0].get(), m, i, o.size);
	for (auto &thread : threads)
		thread.join();
}

struct Slot {
	std::unique_ptr<grpc::ClientContext> context;
	std::unique_ptr<grpc::ClientAsyncResponseReader<load::Payload>> reader;
	load::Payload request, reply;
	grpc::Status status;
	uint64_t began_ns;
	size_t size;
};

class Pipeline
{
public:
	Pipeline(const meter_options &o, meter *m)
		: options_(o), meter_(m), stub_(Connect(o.endpoint, 0)), slots_(o.outstanding)
	{
	}

	void Run()
	{
		meter_start(meter_);
		for (auto &slot : slots_)
			Ask(&slot);
		void *tag;
		bool good;
		while (queue_.Next(&tag, &good) && Take(static_cast<Slot *>(tag)))
			;
	}

private:
	void Ask(Slot *s)
	{
		size_t size = meter_size(meter_, asked_++);
		if (options_.mixed || s->request.data().size() != size)
			s->request.set_data(meter_payload(meter_), size);
		s->size = size;
		s->reader.reset();
		s->context = std::make_unique<grpc::ClientContext>();
		s->began_ns = meter_now_ns();
		s->reader = stub_->AsyncEcho(s->context.get(), s->request, &queue_);
		s->reader->Finish(&s->reply, &s->status, s);
	}

	bool Take(Slot *s)
	{
		const std::string &data = s->reply.data();
		if (!s->status.ok())
			meter_error(meter_, 0, s->status.error_message().c_str());
		if (!s->status.ok() ||
			!meter_note(meter_, 0, s->began_ns, data.data(), data.size(), s->size))
			return false;
		Ask(s);
		return true;
	}

	const meter_options &options_;
	meter *meter_;
	std::unique_ptr<Stub> stub_;
	grpc::CompletionQueue queue_;
	std::vector<Slot> slots_;
	uint64_t asked_ = 0;
};

void ReadStream(const meter_options &o, meter *m)
{
	auto stub = Connect(o.endpoint, 0);
	grpc::ClientContext context;
	load::Payload item;
	meter_start(m);
	auto reader = stub->Down(&context, Payload(m, o.size));
	while (reader->Read(&item) && item.data().size() == o.size && meter_note_done(m, 0, 0))
		;
	if (!meter_over(m))
		meter_error(m, 0, "the stream has ended");
	context.TryCancel();
}

// A thread writes, and another reads: what is under way is limited by gRPC's own windows.
void WriteAndReadStream(const meter_options &o, meter *m)
{
	auto stub = Connect(o.endpoint, 0);
	grpc::ClientContext context;
	load::Payload item, sent = Payload(m, o.size);
	meter_start(m);
	auto stream = stub->Both(&context);
	std::thread writer([&] {
		while (stream->Write(sent))
			;
	});
	while (stream->Read(&item) &&
		meter_note(m, 0, 0, item.data().data(), item.data().size(), o.size))
		;
	if (!meter_over(m))
		meter_error(m, 0, "the stream has ended");
	context.TryCancel();
	writer.join();
}

int Measure(int argc, char **argv)
{
	meter_options o = meter_parse(argc, argv, "grpc_cpp call --connect ENDPOINT ...");
	unsigned count = o.connections ? o.connections : o.threads ? o.threads : 1;
	if (!o.endpoint)
		meter_die("--connect is needed");
	meter *m = meter_new(&o, count);
	Pipeline *pipeline = nullptr;
	if (o.stream)
		ReadStream(o, m);
	else if (o.both)
		WriteAndReadStream(o, m);
	else if (count > 1 || o.outstanding == 1)
		CallInThreads(o, m, count);
	else
		(pipeline = new Pipeline(o, m))->Run();
	_exit(meter_finish(m)); // calls are under way still: nobody waits for them
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 3 && std::strcmp(argv[1], "serve") == 0)
		return Serve(argv[2]);
	if (argc > 2 && std::strcmp(argv[1], "call") == 0)
		return Measure(argc - 1, argv + 1);
	meter_die("usage: grpc_cpp serve ENDPOINT, or grpc_cpp call --connect ENDPOINT ...");
}
