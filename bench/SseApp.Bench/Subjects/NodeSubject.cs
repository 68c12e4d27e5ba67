namespace SseApp.Bench.Subjects;

/// <summary>The stack that SseApp replaces: Node under PM2 behind nginx, with Redis.</summary>
internal sealed class NodeSubject(Workspace workspace, string? cores) : Subject(workspace, cores)
{
    public override string Name => "node";

    public override string Description => $"Node http under PM2 behind nginx, {RedisDescription} (ioredis)";

    public override bool Proxied => true;

    private string Folder => Path.Combine(Workspace.Artifacts, "node");

    public override string? Missing()
    {
        if (Workspace.Find("node") is null || Workspace.Find("npm") is null || Nginx.Missing is not null)
        {
            return "apt-get install nodejs npm nginx";
        }

        var source = Path.Combine(Workspace.Root, "bench", "subjects", "node");
        Directory.CreateDirectory(Folder);
        foreach (var file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)), overwrite: true);
        }

        return Install() ? RedisMissing : $"npm could not install pm2 and ioredis: run 'npm install' in {Folder}";
    }

    public override async Task<Target> StartAsync(int workers, CancellationToken cancellationToken)
    {
        var redis = await StartRedisAsync(cancellationToken);
        var node = Workspace.FreePort();
        var ecosystem = Path.Combine(Folder, "ecosystem.config.js");
        await File.WriteAllTextAsync(ecosystem, $$"""
            module.exports = { apps: [{ name: 'sse', script: '{{Folder}}/server.js', exec_mode: 'cluster', instances: {{workers}},
              env: { NODE_ENV: 'production', PORT: '{{node}}', REDIS_PORT: '{{redis}}' } }] };

            """, cancellationToken);
        await StartAsync(
            $"{Name}.pm2",
            [Path.Combine(Folder, "node_modules", ".bin", "pm2-runtime"), "start", ecosystem],
            Listening(node),
            cancellationToken,
            ("PM2_HOME", Workspace.FreshDirectory("pm2")));

        var port = Workspace.FreePort();
        await StartAsync($"{Name}.nginx", Nginx.Proxy(Workspace, $"{Name}.nginx", port, node), Listening(port), cancellationToken);
        return Target.Other(port);
    }

    public override Task KillWorkerAsync(CancellationToken cancellationToken)
    {
        var worker = Processes().FindByCommand("server.js") ?? throw new BenchException("PM2 has no worker process to kill.");
        Libc.Signal(worker, Libc.Kill);
        return Task.CompletedTask;
    }

    private bool Install()
    {
        if (File.Exists(Path.Combine(Folder, "node_modules", ".bin", "pm2-runtime")) && Directory.Exists(Path.Combine(Folder, "node_modules", "ioredis")))
        {
            return true;
        }

        var start = new ProcessStartInfo(Workspace.Find("npm")!, ["install", "--no-audit", "--no-fund", "--loglevel=error"]) { WorkingDirectory = Folder };
        using var npm = Process.Start(start)!;
        if (!npm.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            npm.Kill(entireProcessTree: true);
            return false;
        }

        return npm.ExitCode == 0;
    }
}
