#pragma once
#include <sys/time.h>
#include <ldap.h>
#include <openldap.h>
