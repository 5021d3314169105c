#pragma once
#include <libxml/xmlversion.h>
// The headers of ICU, which libxml2 would include, do not go together with those of Foundation's own ICU.
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
