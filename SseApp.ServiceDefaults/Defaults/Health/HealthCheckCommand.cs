using System.Net.Sockets;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Health;

/// <summary>
/// <c>--healthcheck</c>: asks the service that runs with these settings on this machine for <c>/alive</c>, <c>--healthcheck=ready</c> for
/// <c>/health</c>. For containers, whose image has neither a shell nor a program that could ask.
/// </summary>
internal static class HealthCheckCommand
{
    private const string Name = "--healthcheck";
    private const int MaxShown = 200;

    // Less than what orchestrators allow, so that this says what was wrong, and not they that it took too long.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(4);

    /// <summary>Whether the arguments are this command. What follows are settings, as the service itself takes them.</summary>
    public static bool Is(string[] args) => args is [var first, ..] && (first == Name || first.StartsWith($"{Name}=", StringComparison.Ordinal));

    /// <param name="args">The arguments of the process.</param>
    /// <param name="addresses">Where the service listens for clients with these settings.</param>
    /// <returns>0: it answers with a success; 1: anything else, and standard error says what.</returns>
    public static async Task<int> RunAsync(string[] args, Func<IConfiguration, IReadOnlyList<BindingAddress>> addresses)
    {
        var path = args[0] switch
        {
            Name or $"{Name}=alive" => HealthExtensions.LivenessPath,
            $"{Name}=ready" => HealthExtensions.ReadinessPath,
            _ => null,
        };
        if (path is null)
        {
            return await FailAsync($"{args[0]} is no check; write {Name} (is it alive?) or {Name}=ready (can it serve requests?).");
        }

        BindingAddress? address;
        try
        {
            IReadOnlyList<BindingAddress> all = [.. addresses(Configuration(args[1..]))];
            // Without TLS, where there is a choice: it costs less.
            address = all.OrderBy(IsSecure).FirstOrDefault();
        }
        catch (Exception exception) when (exception is FormatException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return await FailAsync($"The settings cannot be read: {exception.Message}");
        }

        if (address is null)
        {
            return await FailAsync("No setting says where the service listens; set Urls (ASPNETCORE_URLS).");
        }

        if (!address.IsUnixPipe && address.Port == 0)
        {
            return await FailAsync($"The service listens at {address}, any free port, so nobody knows where to ask; give it a port of its own.");
        }

        using var sockets = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => ConnectAsync(address, cancellationToken),
            UseProxy = false,
            AllowAutoRedirect = false,
        };
        // It asks itself, over loopback: the names in the certificate are those for clients.
#pragma warning disable CA5359
        sockets.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        using var handler = new CutConnectionHandler(sockets);
        using var client = new HttpClient(handler) { Timeout = s_limit };
        var url = new Uri($"{(IsSecure(address) ? Uri.UriSchemeHttps : Uri.UriSchemeHttp)}://localhost:{(address.IsUnixPipe ? 80 : address.Port)}{path}");
        try
        {
            using var answer = await client.GetAsync(url);
            var text = await answer.Content.ReadAsStringAsync();
            var line = $"{(int)answer.StatusCode} {(text.Length > MaxShown ? text[..MaxShown] : text).ReplaceLineEndings(" ")}";
            if (!answer.IsSuccessStatusCode)
            {
                return await FailAsync($"{address} answers {path} with {line}");
            }

            await Console.Out.WriteLineAsync(line);
            return 0;
        }
        catch (HttpRequestException exception)
        {
            return await FailAsync($"{address} does not answer {path}: {exception.Message}");
        }
        catch (OperationCanceledException)
        {
            return await FailAsync($"{address} does not answer {path}: nothing came within {s_limit.TotalSeconds:0} s.");
        }
    }

    private static bool IsSecure(BindingAddress address) => string.Equals(address.Scheme, Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);

    // As the service reads them, without building one: this runs every few seconds in a container that has little CPU.
    private static ConfigurationManager Configuration(string[] args)
    {
        var files = SettingFiles.Find(args, AppContext.BaseDirectory);
        var host = new ConfigurationBuilder().AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables("DOTNET_").AddCommandLine(args).Build();
        var folder = files.Folder ?? Path.Combine(AppContext.BaseDirectory, host[HostDefaults.ContentRootKey] ?? "");
        var environment = host[HostDefaults.EnvironmentKey] is { Length: > 0 } name ? name : Environments.Production;
        var configuration = new ConfigurationManager();
        configuration.SetBasePath(folder);
        configuration
            .AddEnvironmentVariables("ASPNETCORE_")
            .AddEnvironmentVariables("DOTNET_")
            .AddJsonFile("appsettings.json", optional: true, reloadOnChange: false)
            .AddJsonFile($"appsettings.{environment}.json", optional: true, reloadOnChange: false)
            .AddEnvironmentVariables()
            .AddCommandLine(args);
        return configuration;
    }

    private static async ValueTask<Stream> ConnectAsync(BindingAddress address, CancellationToken cancellationToken)
    {
        EndPoint endpoint = address.IsUnixPipe
            ? new UnixDomainSocketEndPoint(address.UnixPipePath)
            : IPAddress.TryParse(address.Host, out var ip)
                ? new IPEndPoint(ip.Equals(IPAddress.Any) ? IPAddress.Loopback : ip.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : ip, address.Port)
                // '*', '+', a name: Kestrel listens at all addresses for them.
                : new IPEndPoint(IPAddress.Loopback, address.Port);
        var socket = address.IsUnixPipe
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<int> FailAsync(string problem)
    {
        await Console.Error.WriteLineAsync(UserInfo.Hide(problem));
        return 1;
    }
}
