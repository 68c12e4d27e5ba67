namespace SseApp.Bench.Subjects;

/// <summary>nginx as the guides for event streams configure it.</summary>
internal sealed class NginxFront : IFront
{
    public string Name => "nginx";

    public string Description => "nginx";

    public bool IsOurs => false;

    public IEnumerable<(string Name, string Value)> Settings => [];

    public string? Missing() => Workspace.Find("nginx") is null ? "apt-get install nginx" : null;

    public IEnumerable<string> Command(Workspace workspace, int port, int replica)
    {
        var configuration = NginxConfiguration.Write(workspace, "sseapp.nginx", 1, "", $$"""
            upstream replica { server 127.0.0.1:{{replica}}; keepalive 128; }
            server {
              listen 127.0.0.1:{{port}} backlog=4096;
              location / {
                proxy_pass http://replica;
                proxy_http_version 1.1;
                proxy_set_header Connection "";
                proxy_buffering off;
                proxy_read_timeout 1h;
              }
            }
            """);
        return [Workspace.Find("nginx")!, "-p", Path.GetDirectoryName(configuration)!, "-c", configuration];
    }
}
