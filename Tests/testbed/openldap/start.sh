#!/usr/bin/env bash
# start.sh [--dir DIR] [--users N] [--port P --tls-port P --port2 P --tls-port2 P | --auto-ports]
#          [--no-replica] [--keep] [--log none|stats] [--certificate NAME] [--for PID]
#
# A real slapd (primary) and a second slapd that replicates from it, on loopback,
# in the foreground under setsid, data in DIR (default: a new temporary directory,
# printed at the end). DIR/env.sh has the URLs and credentials.
#   --users N    size of the company (default 200; 10000 and 50000 work)
#   --keep       DIR has data from an earlier start: use it again
#   --certificate NAME   what the servers show (ca/make-ca.sh lists them; default ldap)
#   --for PID    stop and purge by itself when that process has ended
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
here="$tb_here/openldap"

dir="" users=200 port=3389 tport=6636 port2=3390 tport2=6637 auto="" replica=1 keep="" loglevel=stats certificate=ldap for=""
while [ $# -gt 0 ]; do
  case "$1" in
    --dir) dir="$2"; shift ;;
    --users) users="$2"; shift ;;
    --port) port="$2"; shift ;;
    --tls-port) tport="$2"; shift ;;
    --port2) port2="$2"; shift ;;
    --tls-port2) tport2="$2"; shift ;;
    --auto-ports) auto=1 ;;
    --no-replica) replica="" ;;
    --keep) keep=1 ;;
    --log) loglevel="$2"; shift ;;
    --certificate) certificate="$2"; shift ;;
    --for) for="$2"; shift ;;
    *) sed -n '2,13p' "$0" >&2; exit 2 ;;
  esac
  shift
done
PATH="$PATH:/usr/sbin:/sbin"
tb_need slapd slapadd ldapwhoami openssl python3 setsid
tb_make_dir "$dir" openldap
[ -z "$auto" ] || read -r port tport port2 tport2 <<<"$(tb_free_ports 4)"
! tb_alive primary || tb_die "already running in $TB_DIR (stop.sh --dir first)"
tb_port_must_be_free "$port" "$tport"; [ -z "$replica" ] || tb_port_must_be_free "$port2" "$tport2"
[ -z "$for" ] || tb_follow "$for" "$here/stop.sh"
tb_ca "$TB_DIR/pki"

mods=""
for m in /usr/lib/ldap /usr/lib/*/openldap /usr/libexec/openldap; do [ -d "$m" ] && mods="$m" && break; done
schema=/etc/ldap/schema; [ -d "$schema" ] || schema=/etc/openldap/schema

write_conf() { # NAME ROLE
  local name="$1" role="$2"
  mkdir -p "$TB_DIR/$name/db" "$TB_DIR/$name/db2"
  cat >"$TB_DIR/$name/slapd.conf" <<CONF
include $schema/core.schema
include $schema/cosine.schema
include $schema/nis.schema
include $schema/inetorgperson.schema
pidfile  $TB_DIR/$name/slapd.pid
argsfile $TB_DIR/$name/slapd.args
modulepath $mods
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
moduleload syncprov
loglevel $loglevel
threads 8
tool-threads 2
sortvals member memberUid
disallow bind_anon
require authc
# Large enough for a client that sends many requests on one connection.
conn_max_pending_auth 1000
TLSCACertificateFile $TB_DIR/pki/ca.pem
TLSCertificateFile   $TB_DIR/pki/$certificate.pem
TLSCertificateKeyFile $TB_DIR/pki/$certificate.key
TLSVerifyClient try
# SASL EXTERNAL with a client certificate of the test CA: cn of the subject -> entry
authz-regexp "cn=([^,]*),o=example corp" "ldap:///ou=people,dc=example,dc=test??one?(cn=\$1)"
sizelimit size.soft=100 size.hard=100

database config
rootdn cn=config
rootpw config-secret

database monitor
access to * by dn.exact="cn=admin,dc=example,dc=test" read by * none

database mdb
suffix "dc=example,dc=test"
rootdn "cn=admin,dc=example,dc=test"
rootpw admin-secret
directory $TB_DIR/$name/db
maxsize 4294967296
envflags nosync writemap
index objectClass eq
index uid,cn,sn,givenName,displayName eq,sub
index mail,telephoneNumber eq,sub
index departmentNumber,ou,employeeType,uidNumber,gidNumber,employeeNumber eq
index member,uniqueMember,memberOf,memberUid,manager eq
index entryCSN,entryUUID eq
limits dn.exact="cn=xmpp,ou=services,dc=example,dc=test" size.soft=100 size.hard=100 size.pr=500 size.prtotal=unlimited
limits dn.exact="cn=limited,ou=services,dc=example,dc=test" size.soft=50 size.hard=50 size.pr=25 size.prtotal=50
limits dn.exact="cn=replicator,ou=services,dc=example,dc=test" size=unlimited time=unlimited
access to attrs=userPassword
  by dn.exact="cn=writer,ou=services,dc=example,dc=test" write
  by self write
  by anonymous auth
  by * none
access to dn.subtree="ou=services,dc=example,dc=test"
  by self read
  by dn.exact="cn=xmpp,ou=services,dc=example,dc=test" search
  by anonymous auth
  by * none
access to *
  by dn.exact="cn=writer,ou=services,dc=example,dc=test" write
  by dn.exact="cn=xmpp,ou=services,dc=example,dc=test" read
  by dn.exact="cn=limited,ou=services,dc=example,dc=test" read
  by self read
  by anonymous auth
  by users search
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=example,dc=test"
ppolicy_use_lockout
# What this overlay writes is not replicated: each server has its own.
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
memberof-refint true
CONF
  if [ "$role" = provider ]; then
    cat >>"$TB_DIR/$name/slapd.conf" <<CONF
overlay syncprov
syncprov-checkpoint 100 1
syncprov-sessionlog 1000
CONF
  else
    cat >>"$TB_DIR/$name/slapd.conf" <<CONF
syncrepl rid=001
  provider=ldap://127.0.0.1:$port
  starttls=critical
  tls_cacert=$TB_DIR/pki/ca.pem
  tls_reqcert=demand
  bindmethod=simple
  binddn="cn=admin,dc=example,dc=test"
  credentials=admin-secret
  searchbase="dc=example,dc=test"
  attrs="*,+"
  exattrs=memberOf
  type=refreshAndPersist
  retry="1 +"
updateref ldap://127.0.0.1:$port

database mdb
suffix "dc=subsidiary,dc=test"
rootdn "cn=admin,dc=subsidiary,dc=test"
rootpw admin-secret
directory $TB_DIR/$name/db2
maxsize 67108864
index objectClass,uid eq
CONF
  fi
  # slapd.conf -> cn=config, so that tests can change settings while it runs
  rm -rf "$TB_DIR/$name/slapd.d"; mkdir "$TB_DIR/$name/slapd.d"
  slaptest -f "$TB_DIR/$name/slapd.conf" -F "$TB_DIR/$name/slapd.d" >"$TB_DIR/$name/slaptest.log" 2>&1 \
    || [ -f "$TB_DIR/$name/slapd.d/cn=config.ldif" ] || { cat "$TB_DIR/$name/slaptest.log" >&2; tb_die "bad slapd configuration"; }
}
ready() { # PORT
  LDAPTLS_REQCERT=never ldapwhoami -x -ZZ -o nettimeout=2 -H "ldap://127.0.0.1:$1" \
    -D cn=xmpp,ou=services,dc=example,dc=test -w xmpp-reader-secret
}

t0=$SECONDS
if [ -z "$keep" ] || [ ! -f "$TB_DIR/primary/db/data.mdb" ]; then
  rm -rf "$TB_DIR/primary" "$TB_DIR/replica"
  write_conf primary provider
  "$TB_PYTHON" "$here/make_ldif.py" --users "$users" --subsidiary-url "ldap://127.0.0.1:$port2" >"$TB_DIR/seed.ldif"
  slapadd -q -w -F "$TB_DIR/primary/slapd.d" -b dc=example,dc=test -l "$TB_DIR/seed.ldif" >"$TB_DIR/slapadd.log" 2>&1 \
    || { tail -5 "$TB_DIR/slapadd.log" >&2; tb_die "slapadd failed"; }
  if [ -n "$replica" ]; then
    write_conf replica consumer
    slapcat -F "$TB_DIR/primary/slapd.d" -b dc=example,dc=test -o ldif-wrap=no |
      slapadd -q -F "$TB_DIR/replica/slapd.d" -b dc=example,dc=test >>"$TB_DIR/slapadd.log" 2>&1 || tb_die "slapadd of the replica failed"
    "$TB_PYTHON" "$here/make_ldif.py" --subsidiary |
      slapadd -q -F "$TB_DIR/replica/slapd.d" -b dc=subsidiary,dc=test >>"$TB_DIR/slapadd.log" 2>&1
  fi
fi
# "-d LEVEL" keeps slapd in the foreground.
tb_spawn primary slapd -d "$loglevel" -F "$TB_DIR/primary/slapd.d" -h "ldap://127.0.0.1:$port ldap://[::1]:$port ldaps://127.0.0.1:$tport ldaps://[::1]:$tport"
tb_wait primary 30 ready "$port"
if [ -n "$replica" ]; then
  tb_spawn replica slapd -d "$loglevel" -F "$TB_DIR/replica/slapd.d" -h "ldap://127.0.0.1:$port2 ldap://[::1]:$port2 ldaps://127.0.0.1:$tport2 ldaps://[::1]:$tport2"
  tb_wait replica 30 ready "$port2"
fi
tb_env LDAP_DIR="$TB_DIR" LDAP_URI="ldap://127.0.0.1:$port" LDAPS_URI="ldaps://127.0.0.1:$tport" \
  LDAP_URI2="ldap://127.0.0.1:$port2" LDAPS_URI2="ldaps://127.0.0.1:$tport2" LDAP_CA="$TB_DIR/pki/ca.pem" \
  LDAPTLS_CACERT="$TB_DIR/pki/ca.pem" LDAP_BASE=dc=example,dc=test LDAP_PEOPLE=ou=people,dc=example,dc=test \
  LDAP_GROUPS=ou=groups,dc=example,dc=test LDAP_BIND_DN=cn=xmpp,ou=services,dc=example,dc=test \
  LDAP_BIND_PW=xmpp-reader-secret LDAP_ADMIN_DN=cn=admin,dc=example,dc=test LDAP_ADMIN_PW=admin-secret \
  LDAP_WRITER_DN=cn=writer,ou=services,dc=example,dc=test LDAP_WRITER_PW=writer-secret
tb_log "openldap: ready in $((SECONDS - t0)) s, $users people, ldap $port, ldaps $tport${replica:+, replica $port2/$tport2}"
echo "$TB_DIR/env.sh"
