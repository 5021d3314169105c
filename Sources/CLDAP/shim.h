#pragma once
#include <sys/eventfd.h>
#include <sys/time.h>
#include <ldap.h>
#include <openldap.h>

// The thread that owns a handle waits for the server and, by an eventfd, for its callers. Swift's Glibc lacks the call.
static inline int CLDAP_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}
