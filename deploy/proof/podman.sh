# Sourced: podman with images, containers and settings of its own in the folder WORK.
WORK=$(realpath -m "${WORK:-/var/tmp/sseapp-proof}")
mkdir -p "$WORK"
export CONTAINERS_CONF=$WORK/containers.conf CONTAINERS_STORAGE_CONF=$WORK/storage.conf CONTAINERS_REGISTRIES_CONF=$WORK/registries.conf
cat >"$CONTAINERS_CONF" <<END
[containers]
# No more than this process may: a container's limits cannot be above it where the right to raise them is missing.
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "$WORK/networks"
END
cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$WORK/storage"
runroot = "$WORK/run"
END
echo 'unqualified-search-registries = []' >"$CONTAINERS_REGISTRIES_CONF"
