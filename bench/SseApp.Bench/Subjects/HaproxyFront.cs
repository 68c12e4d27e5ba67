namespace SseApp.Bench.Subjects;

/// <summary>HAProxy with the timeouts that event streams need.</summary>
internal sealed class HaproxyFront : IFront
{
    public string Name => "haproxy";

    public string Description => "HAProxy";

    public bool IsOurs => false;

    public IEnumerable<(string Name, string Value)> Settings => [];

    public string? Missing() => Workspace.Find("haproxy") is null ? "apt-get install haproxy" : null;

    public IEnumerable<string> Command(Workspace workspace, int port, int replica)
    {
        var path = Path.Combine(workspace.FreshDirectory("sseapp.haproxy"), "haproxy.cfg");
        File.WriteAllText(path, $$"""
            global
              maxconn 9000
              nbthread 1
            defaults
              mode http
              option http-no-delay
              timeout connect 5s
              timeout client 1h
              timeout server 1h
            frontend in
              bind 127.0.0.1:{{port}} backlog 4096
              default_backend replica
            backend replica
              server replica 127.0.0.1:{{replica}}

            """);
        return [Workspace.Find("haproxy")!, "-db", "-f", path];
    }
}
