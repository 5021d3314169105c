#!/bin/sh
# Checks the bench's own parts without any server: the tokenizer against every cut of a sample stream,
# the table against a known result, the templates against the features they know.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

${CC:-cc} -D_GNU_SOURCE -std=c11 -O1 -Wall -Wextra -Werror -o "$work/tokenizer" "$here/tokenizer.c" "$here/../../Sources/xload/tok.c"
echo "tokenizer: $("$work/tokenizer")"

for cpu in "prosody 300" "ejabberd 90" "martlet 30"; do
	echo "{\"scenario\":\"iq\",\"label\":\"${cpu% *}/iq-ping/1\",\"ok\":true,\"server_cpu_us_per_iq\":${cpu#* }}"
done >"$work/results.jsonl"
python3 "$here/summarize.py" "$work/results.jsonl" | grep -q '^| iq-ping | CPU us/iq | 300 | 90 | 30 | 3.00x |$'
echo "summary: the ratio is the one to the better peer"

bash -c '
	. "$1/servers.sh"
	HERE=$1 WORK=$2 DIR=$2 DOMAIN=example.test PORT=1 PORT_TLS=2 PORT_HTTP=3
	for template in "$1"/servers/*.in; do
		for features in "" sm muc archive "archive sqlite sm" "muc archive"; do
			render "$template" "$2/rendered" "$features"
			if grep -n "@[A-Za-z_!]*@" "$2/rendered" | grep -v "WORD@"; then
				echo "$template: left over with features \"$features\"" >&2
				exit 1
			fi
		done
	done' - "$here" "$work"
echo "templates: every placeholder is filled in"
