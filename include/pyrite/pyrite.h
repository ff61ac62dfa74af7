/* SPDX-License-Identifier: Apache-2.0 */
/* All of Pyrite's public API; generated headers include what they need of it. */
#ifndef PYRITE_PYRITE_H
#define PYRITE_PYRITE_H

#include <pyrite/batch.h>
#include <pyrite/call.h>
#include <pyrite/config.h>
#include <pyrite/context.h>
#include <pyrite/credentials.h>
#include <pyrite/daemon.h>
#include <pyrite/discovery.h>
#include <pyrite/dynamic.h>
#include <pyrite/interceptor.h>
#include <pyrite/locator.h>
#include <pyrite/log.h>
#include <pyrite/metadata.h>
#include <pyrite/object.h>
#include <pyrite/proxy.h>
#include <pyrite/reference.h>
#include <pyrite/status.h>
#include <pyrite/stream.h>
#include <pyrite/version.h>

#endif
