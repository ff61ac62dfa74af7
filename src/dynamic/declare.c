/* SPDX-License-Identifier: Apache-2.0 */
/* The first pass over a file that is added to a pool: all names, each known only once. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "dynamic/pool.h"

typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;

/* The first byte that may not be there; size if there is none. */
static size_t identifier_bytes(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return i;
	}
	return size;
}

static bool is_identifier(const char *text)
{
	size_t size = text ? strlen(text) : 0;
	return size > 0 && identifier_bytes(text, size) == size;
}

/* scope.name, of the file's memory; NULL with an error. */
static const char *full_name(const pyr__adding *adding, const char *scope, const char *name)
{
	char full[PYR__NAME_MAX + 1];
	if (!is_identifier(name)) {
		(void)pyr__pool_bad(adding, "a definition in '%s' has a name that is none", scope);
		return NULL;
	}
	int length = snprintf(full, sizeof full, "%s%s%s", scope, *scope ? "." : "", name);
	if (length < 0 || (size_t)length >= sizeof full) {
		(void)pyr__pool_bad(adding, "a name is longer than %d bytes", PYR__NAME_MAX);
		return NULL;
	}
	return pyr__pool_text(adding->file, full);
}

static pyr_status enter(const pyr__adding *adding, pyr__symbol *symbol, pyr__symbol_kind kind,
	const char *scope, const char *name)
{
	pyr_status status = pyr__pool_count(adding, 1);
	if (status)
		return status;
	symbol->kind = kind;
	symbol->file = adding->file;
	symbol->name = full_name(adding, scope, name);
	if (!symbol->name)
		return PYR_INVALID_ARGUMENT;
	if (!pyr__map_insert(&adding->pool->symbols, symbol->name, strlen(symbol->name), symbol))
		return pyr__pool_bad(adding, "%s has been defined before", symbol->name);
	*adding->file->last_symbol = symbol;
	adding->file->last_symbol = &symbol->next;
	return PYR_OK;
}

static pyr_status declare_enum(
	const pyr__adding *adding, const char *scope, const enum_proto *proto)
{
	pyr__pool_enum *e = pyr__pool_take(adding->file, sizeof *e);
	e->proto = proto;
	pyr_status status = enter(adding, &e->symbol, PYR__SYMBOL_ENUM, scope, proto->name);
	for (size_t i = 0; i < proto->n_value && !status; i++)
		if (!is_identifier(proto->value[i]->name) ||
			strlen(proto->value[i]->name) > PYR__NAME_MAX)
			status = pyr__pool_bad(adding, "value %zu of %s has a name that is none",
				i + 1, e->symbol.name);
	return status ? status : pyr__pool_count(adding, proto->n_value);
}

static pyr_status check_members(
	const pyr__adding *adding, const char *owner, const message_proto *proto)
{
	for (size_t i = 0; i < proto->n_field; i++)
		if (!is_identifier(proto->field[i]->name) ||
			strlen(proto->field[i]->name) > PYR__NAME_MAX)
			return pyr__pool_bad(
				adding, "field %zu of %s has a name that is none", i + 1, owner);
	for (size_t i = 0; i < proto->n_oneof_decl; i++)
		if (!is_identifier(proto->oneof_decl[i]->name))
			return pyr__pool_bad(
				adding, "oneof %zu of %s has a name that is none", i + 1, owner);
	return pyr__pool_count(adding, proto->n_field + proto->n_oneof_decl);
}

static pyr_status declare_message(
	const pyr__adding *adding, const char *scope, const message_proto *proto, unsigned depth)
{
	if (depth > PYR__NESTING_MAX)
		return pyr__pool_bad(adding, "messages are defined inside others deeper than %d",
			PYR__NESTING_MAX);
	pyr__pool_message *message = pyr__pool_take(adding->file, sizeof *message);
	message->proto = proto;
	pyr_status status =
		enter(adding, &message->symbol, PYR__SYMBOL_MESSAGE, scope, proto->name);
	const char *name = message->symbol.name;
	if (status == PYR_OK)
		status = check_members(adding, name, proto);
	for (size_t i = 0; i < proto->n_nested_type && !status; i++)
		status = declare_message(adding, name, proto->nested_type[i], depth + 1);
	for (size_t i = 0; i < proto->n_enum_type && !status; i++)
		status = declare_enum(adding, name, proto->enum_type[i]);
	return status;
}

static pyr_status declare_interface(
	const pyr__adding *adding, const char *scope, const service_proto *proto)
{
	pyr__pool_interface *interface = pyr__pool_take(adding->file, sizeof *interface);
	interface->proto = proto;
	pyr_status status =
		enter(adding, &interface->symbol, PYR__SYMBOL_INTERFACE, scope, proto->name);
	for (size_t i = 0; i < proto->n_method && !status; i++)
		if (!is_identifier(proto->method[i]->name) ||
			strlen(proto->method[i]->name) > PYR__NAME_MAX)
			status = pyr__pool_bad(adding, "method %zu of %s has a name that is none",
				i + 1, interface->symbol.name);
	return status ? status : pyr__pool_count(adding, proto->n_method);
}

static pyr_status check_package(const pyr__adding *adding, const char *package)
{
	const char *at = package;
	while (*at) {
		size_t size = strcspn(at, ".");
		bool last = at[size] == '\0';
		if (size == 0 || identifier_bytes(at, size) < size || (!last && !at[size + 1]))
			return pyr__pool_bad(adding, "the package's name is none");
		at += size + (last ? 0 : 1);
	}
	if ((size_t)(at - package) > PYR__NAME_MAX)
		return pyr__pool_bad(adding, "the package's name is too long");
	return PYR_OK;
}

static pyr_status check_syntax(const pyr__adding *adding)
{
	const char *syntax = adding->proto->syntax;
	adding->file->proto3 = syntax && strcmp(syntax, "proto3") == 0;
	if (!syntax || !*syntax || adding->file->proto3 || strcmp(syntax, "proto2") == 0)
		return PYR_OK;
	return pyr_error_set(adding->err, PYR_UNIMPLEMENTED,
		"%s: the syntax is '%.40s'; proto2 and proto3 are known", adding->file->file.name,
		syntax);
}

pyr_status pyr__pool_declare(const pyr__adding *adding)
{
	const Google__Protobuf__FileDescriptorProto *proto = adding->proto;
	const char *package = proto->package ? proto->package : "";
	pyr_status status = check_package(adding, package);
	if (status == PYR_OK)
		status = check_syntax(adding);
	if (status == PYR_OK)
		status = pyr__pool_count(adding, proto->n_dependency);
	for (size_t i = 0; i < proto->n_message_type && !status; i++)
		status = declare_message(adding, package, proto->message_type[i], 1);
	for (size_t i = 0; i < proto->n_enum_type && !status; i++)
		status = declare_enum(adding, package, proto->enum_type[i]);
	for (size_t i = 0; i < proto->n_service && !status; i++)
		status = declare_interface(adding, package, proto->service[i]);
	return status;
}
