namespace SseApp.Bench.Subjects;

/// <summary>A proxy in front of our replica.</summary>
/// <param name="Name">Short and stable; part of the subject's name.</param>
/// <param name="Description">For the report.</param>
/// <param name="Missing">How to install what is missing, or null when it can run.</param>
/// <param name="Command">The program and its arguments, with its own port, that for clients over TLS and the replica's; configuration files are written by this.</param>
internal sealed record Front(string Name, string Description, string? Missing, Func<Workspace, int, int, int, string[]> Command)
{
    /// <summary>The product as users get it.</summary>
    public bool IsOurs { get; private init; }

    /// <summary>Environment of the program, beside that of our services.</summary>
    public (string Name, string Value)[] Settings { get; private init; } = [];

    public static Front Gateway { get; } = OurGateway("gateway", "SseApp.Gateway", relay: true);

    /// <summary>With a request to the replica for each stream.</summary>
    public static Front GatewayHttp1 { get; } = OurGateway("gateway-http1", "SseApp.Gateway without relay connections", relay: false);

    public static Front Nginx { get; } = new("nginx", "nginx", Subjects.Nginx.Missing, (workspace, port, clients, replica) =>
        Subjects.Nginx.Proxy(workspace, "sseapp.nginx", port, replica, clients));

    /// <summary>HAProxy with the timeouts that event streams need.</summary>
    public static Front Haproxy { get; } = new("haproxy", "HAProxy", Workspace.Find("haproxy") is null ? "apt-get install haproxy" : null, (workspace, port, _, replica) =>
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
    });

    private static Front OurGateway(string name, string description, bool relay) =>
        new(name, description, Missing: null, (workspace, _, _, _) => ["dotnet", workspace.Assembly("SseApp.Gateway")])
        {
            IsOurs = relay,
            Settings = [("Relay__Enabled", relay ? "true" : "false")],
        };
}
