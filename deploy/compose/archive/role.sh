#!/bin/sh
# At the first start of PostgreSQL: the replicas' role, which is no superuser and owns its database alone.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --quiet <<END
CREATE ROLE sseapp LOGIN PASSWORD '$(cat /run/secrets/archive_password)';
CREATE DATABASE sseapp OWNER sseapp;
END
