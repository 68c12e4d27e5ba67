namespace SseApp.Bench.Subjects;

internal static class NginxConfiguration
{
    /// <returns>Path of the file, in a folder of its own that holds all that nginx writes.</returns>
    public static string Write(Workspace workspace, string name, int workers, string modules, string http)
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
        return path;
    }
}
