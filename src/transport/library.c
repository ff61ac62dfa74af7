/* SPDX-License-Identifier: Apache-2.0 */
/* Finds and loads parts of Pyrite that are libraries of their own. */
#include "transport/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Never unloaded: their threads and their state may last until the process ends. */
static void *open_file(const char *path)
{
	return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* The file in the folder that this very code was loaded from. */
static void *open_beside(const char *file)
{
	static const char here;
	Dl_info self;
	char path[PATH_MAX];
	if (!dladdr(&here, &self) || !self.dli_fname)
		return NULL;
	const char *slash = strrchr(self.dli_fname, '/');
	if (!slash)
		return NULL;
	int size = snprintf(
		path, sizeof path, "%.*s/%s", (int)(slash - self.dli_fname), self.dli_fname, file);
	return size < (int)sizeof path ? open_file(path) : NULL;
}

pyr_status pyr__library_load(const pyr__library *library, void **ret_entry, pyr_error *err)
{
	const char *chosen = pyr__config_text(library->variable);
	const char *file = chosen ? chosen : library->file;
	void *handle = file == library->file ? open_beside(file) : NULL;
	if (!handle)
		handle = open_file(file);
	if (!handle) {
		const char *why = dlerror();
		return pyr_error_set(err, PYR_UNIMPLEMENTED,
			"%s needs %s of this version of Pyrite, and the package %s: %s",
			library->purpose, file, library->package, why ? why : "not found");
	}
	void *entry = dlsym(handle, library->entry);
	if (!entry)
		return pyr_error_set(err, PYR_UNIMPLEMENTED, "%s is not Pyrite's library for %s",
			file, library->purpose);
	*ret_entry = entry;
	return PYR_OK;
}
