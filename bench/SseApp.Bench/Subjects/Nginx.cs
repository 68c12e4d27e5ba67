namespace SseApp.Bench.Subjects;

internal static class Nginx
{
    private static string? Program { get; } = Workspace.Find("nginx");

    /// <summary>How to install it, or null when it is there.</summary>
    public static string? Missing => Program is null ? "apt-get install nginx" : null;

    /// <summary>A proxy as the guides for event streams configure it.</summary>
    public static string[] Proxy(Workspace workspace, string name, int port, int upstream, int? clients = null) => Command(workspace, name, 1, "", $$"""
        upstream behind { server 127.0.0.1:{{upstream}}; keepalive 128; }
        server {
          listen 127.0.0.1:{{port}} backlog=4096;
          {{Tls(workspace, port, clients)}}
          location / {
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 1h;
          }
        }
        """);

    // Tickets, as OpenSSL makes them, and the cache for clients without: both are what its guides say.
    private static string Tls(Workspace workspace, int port, int? clients) => workspace.Certificate is null || clients is null || clients == port ? "" : $"""
        listen 127.0.0.1:{clients} ssl http2 backlog=4096;
          ssl_certificate {workspace.Certificate.File};
          ssl_certificate_key {workspace.Certificate.Key};
          ssl_protocols TLSv1.3;
          ssl_session_cache shared:tls:10m;
          ssl_session_tickets on;
        """;

    /// <returns>The program and its arguments; its configuration is in a folder that holds all that nginx writes.</returns>
    public static string[] Command(Workspace workspace, string name, int workers, string modules, string http)
    {
        var folder = workspace.FreshDirectory(name);
        var path = Path.Combine(folder, "nginx.conf");
        // A root master would switch its workers to 'nobody', who may not enter the folder.
        var user = Environment.IsPrivilegedProcess ? "user root;" : "";
        File.WriteAllText(path, $$"""
            {{modules}}
            {{user}}
            worker_processes {{workers}};
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log;
            events { worker_connections 40000; }
            http {
              access_log off;
              tcp_nodelay on;
              keepalive_timeout 1h;
              keepalive_requests 100000000;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
            {{http}}
            }

            """);
        return [Program!, "-p", folder, "-c", path];
    }
}
