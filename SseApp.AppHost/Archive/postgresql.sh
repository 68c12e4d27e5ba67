#!/bin/sh
# postgresql.sh PROGRAMS FOLDER PORT [USER]: PostgreSQL at loopback with the data of FOLDER/data, which are made at the first start, as USER.
# Between the orchestrator and PostgreSQL: what stops an executable is SIGTERM, for which PostgreSQL would wait until all clients are gone.
set -eu
programs=$1 folder=$2 port=$3 user=${4:-}
data=$folder/data
umask 077
# PostgreSQL wants a folder that it may look into, and is root's folder for none.
cd "$folder"
if [ -n "$user" ]; then
  chown "$user" "$folder" "$folder/password"
  drop="setpriv --reuid=$user --regid=$(id -g "$user") --init-groups --"
else
  drop=
fi

if [ ! -e "$data" ]; then
  echo "Making a database cluster in $data"
  rm -rf "$data.new"
  $drop "$programs/initdb" --pgdata "$data.new" --username postgres --pwfile "$folder/password" \
    --auth scram-sha-256 --encoding UTF8 --locale C --data-checksums >/dev/null
  # The replicas' role is no superuser, and owns its database alone.
  printf '%s\n' "CREATE ROLE sseapp LOGIN PASSWORD '$(cat "$folder/password")'" "CREATE DATABASE sseapp OWNER sseapp" |
    $drop "$programs/postgres" --single -D "$data.new" -c exit_on_error=on -c log_statement=none postgres >/dev/null
  # Whole or not at all.
  mv "$data.new" "$data"
fi

# One that a crash of this script, or of who started it, left behind. Its number alone says nothing: another process may have it now.
if [ -s "$data/postmaster.pid" ]; then
  left=$(head -n 1 "$data/postmaster.pid")
  while [ "$(readlink "/proc/$left/cwd" 2>/dev/null)" = "$data" ]; do
    kill -INT "$left" 2>/dev/null || true
    sleep 0.2
  done
fi

$drop "$programs/postgres" -D "$data" -c "port=$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 &
server=$!
# Fast shutdown: transactions are rolled back, what is committed is written, and the next start has nothing to recover.
trap 'kill -INT "$server" 2>/dev/null' INT TERM
code=0
wait "$server" || code=$?
while kill -0 "$server" 2>/dev/null; do
  code=0
  wait "$server" || code=$?
done
exit "$code"
