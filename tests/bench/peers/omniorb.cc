// SPDX-License-Identifier: Apache-2.0
// omniORB with its usual server, a thread for each connection. It has no calls without waiting that
// would be faster, so "calls at once" are that many threads, at most 16, each with a connection.
//
//   omniorb serve ENDPOINT          "ready" when it listens
//   omniorb call --connect ENDPOINT and meter.h's other arguments
//
// The reference of an object on a Unix socket is in the file PATH.ior.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include "../meter.h"
#include "echo.hh"

namespace
{

constexpr unsigned kThreadsMax = 16;
constexpr int kFirstTries = 1000; // a millisecond apart
const char kMessageMax[] = "268435456";

bool IsUnix(const std::string &endpoint)
{
	return endpoint.rfind("unix:", 0) == 0;
}

std::string ReferenceFile(const std::string &endpoint)
{
	return endpoint.substr(5) + ".ior";
}

CORBA::ORB_ptr MakeOrb(const char *(*options)[2])
{
	int argc = 0;
	return CORBA::ORB_init(argc, static_cast<char **>(nullptr), "omniORB4", options);
}

// The server

class Servant final : public POA_Bench::Echoer
{
	// The reply is written from where the request lies, which outlives it.
	Bench::Payload *echo(const Bench::Payload &data) override
	{
		auto *buffer = const_cast<CORBA::Octet *>(data.get_buffer());
		return new Bench::Payload(data.length(), data.length(), buffer, 0);
	}
};

int Serve(const std::string &endpoint)
{
	std::string at = IsUnix(endpoint) ? "giop:" + endpoint : "giop:tcp:" + endpoint;
	const char *options[][2] = {{"endPoint", at.c_str()}, {"giopMaxMsgSize", kMessageMax},
		{"threadPerConnectionPolicy", "1"}, {"maxServerThreadPerConnection", "100"},
		{nullptr, nullptr}};
	CORBA::ORB_var orb = MakeOrb(options);
	CORBA::Object_var found = orb->resolve_initial_references("omniINSPOA");
	PortableServer::POA_var adapter = PortableServer::POA::_narrow(found);
	PortableServer::ObjectId_var id = PortableServer::string_to_ObjectId("echo");
	adapter->activate_object_with_id(id, new Servant);
	PortableServer::POAManager_var manager = adapter->the_POAManager();
	manager->activate();
	if (IsUnix(endpoint)) {
		CORBA::Object_var object = adapter->id_to_reference(id);
		CORBA::String_var reference = orb->object_to_string(object);
		std::ofstream(ReferenceFile(endpoint)) << reference.in() << "\n";
	}
	std::puts("ready");
	std::fflush(stdout);
	orb->run();
	return 0;
}

// The client

// A Unix socket's backlog may be full while all connect at once.
Bench::Payload *Echo(Bench::Echoer_ptr echo, const Bench::Payload &request, int tries)
{
	for (;; usleep(1000)) {
		try {
			return echo->echo(request);
		} catch (CORBA::TRANSIENT &) {
			if (--tries <= 0)
				throw;
		}
	}
}

void Run(Bench::Echoer_ptr echo, meter *m, unsigned lane, size_t size)
{
	auto length = static_cast<CORBA::ULong>(size);
	Bench::Payload request(length, length, meter_payload(m), 0);
	int tries = kFirstTries;
	try {
		for (bool go = true; go; tries = 1) {
			uint64_t began_ns = meter_now_ns();
			Bench::Payload_var reply = Echo(echo, request, tries);
			go = meter_note(
				m, lane, began_ns, reply->get_buffer(), reply->length(), size);
		}
	} catch (CORBA::Exception &e) {
		meter_error(m, lane, e._name());
	}
}

std::string Reference(const std::string &endpoint)
{
	std::string reference = "corbaloc:iiop:" + endpoint + "/echo";
	if (IsUnix(endpoint)) {
		std::ifstream file(ReferenceFile(endpoint));
		std::getline(file, reference);
	}
	return reference;
}

// Finds out, before the time counts, where the object really is.
void CallOnce(Bench::Echoer_ptr echo)
{
	Bench::Payload nothing;
	Bench::Payload_var reply = echo->echo(nothing);
}

int Measure(int argc, char **argv)
{
	meter_options o = meter_parse(argc, argv, "omniorb call --connect ENDPOINT ...");
	unsigned count = o.connections ? o.connections : o.threads ? o.threads : o.outstanding;
	if (!o.endpoint)
		meter_die("--connect is needed");
	if (!o.connections && !o.threads && count > kThreadsMax)
		count = kThreadsMax;
	std::string connections = std::to_string(o.threads ? 1 : count);
	const char *options[][2] = {{"giopMaxMsgSize", kMessageMax},
		{"maxGIOPConnectionPerServer", connections.c_str()},
		{"oneCallPerConnection", o.threads ? "0" : "1"}, {nullptr, nullptr}};
	CORBA::ORB_var orb = MakeOrb(options);
	CORBA::Object_var object = orb->string_to_object(Reference(o.endpoint).c_str());
	Bench::Echoer_var echo = Bench::Echoer::_unchecked_narrow(object);
	Bench::Payload_var reply = echo->echo(Bench::Payload()); // finds out where it really is
	meter *m = meter_new(&o, count);
	std::vector<std::thread> threads;
	meter_start(m);
	for (unsigned i = 0; i < count; i++)
		threads.emplace_back(Run, echo.in(), m, i, o.size);
	for (auto &thread : threads)
		thread.join();
	_exit(meter_finish(m));
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 3 && std::strcmp(argv[1], "serve") == 0)
		return Serve(argv[2]);
	if (argc > 2 && std::strcmp(argv[1], "call") == 0)
		return Measure(argc - 1, argv + 1);
	meter_die("usage: omniorb serve ENDPOINT, or omniorb call --connect ENDPOINT ...");
}
