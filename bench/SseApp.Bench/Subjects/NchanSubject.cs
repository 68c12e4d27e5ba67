namespace SseApp.Bench.Subjects;

/// <summary>nginx with the nchan module, in memory or with its Redis backend.</summary>
internal sealed class NchanSubject(Workspace workspace, string? cores, bool redis) : Subject(workspace, cores)
{
    private static readonly string[] s_moduleFolders = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

    public override string Name => redis ? "nchan-redis" : "nchan";

    public override bool ForgetsOnRestart => !redis;

    public override string Description => $"nginx with nchan, {(redis ? RedisDescription : "in memory")}";

    private static string? Module => s_moduleFolders.Select(folder => Path.Combine(folder, "ngx_nchan_module.so")).FirstOrDefault(File.Exists);

    public override string? Missing() => Nginx.Missing is not null || Module is null
        ? "apt-get install nginx libnginx-mod-nchan" : redis ? RedisMissing : null;

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var backend = redis ? $"nchan_redis_url redis://127.0.0.1:{await StartRedisAsync(cancellationToken)};" : "";
        var port = Workspace.FreePort();
        var command = Nginx.Command(Workspace, Name, workers, $"load_module {Module};", $$"""
            nchan_shared_memory_size 512m;
            server {
              listen 127.0.0.1:{{port}} backlog=4096;
              {{backend}}
              location = /events {
                nchan_subscriber eventsource;
                nchan_channel_id $arg_topic;
                nchan_channel_id_split_delimiter ",";
                nchan_subscriber_first_message newest;
                {{(redis ? "nchan_use_redis on;" : "")}}
              }
              location = /publish {
                nchan_publisher;
                nchan_channel_id $arg_topic;
                nchan_message_buffer_length 1000;
                nchan_message_timeout 1h;
                {{(redis ? "nchan_use_redis on;" : "")}}
              }
            }
            """);
        // It listens before it has reached Redis, and answers 503 until then.
        await StartAsync(Name, command, Publishes(port), cancellationToken);
        return Target.Other(port, separator: ",");
    }

    public override Task KillWorkerAsync(CancellationToken cancellationToken)
    {
        var worker = Processes().FindByCommand("nginx: worker") ?? throw new BenchException("nginx has no worker process to kill.");
        Libc.Signal(worker, Libc.Kill);
        return Task.CompletedTask;
    }
}
