#pragma once
#include <libxml/xmlversion.h>
// The headers of ICU, which libxml2 would include, do not go together with those of Foundation's own ICU.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>

#include <stddef.h>
// The C library's, which its own header shows only to those who ask for extensions before including anything.
extern void *memrchr(const void *bytes, int byte, size_t count) __attribute__((__pure__));
