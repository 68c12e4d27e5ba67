using System.Text.RegularExpressions;
using SseApp.Bench.Generator;

namespace SseApp.Tests.Infrastructure;

/// <summary>
/// One of the proxies of docs/proxies.md with exactly the configuration that stands there: only the addresses and, where asked for, the
/// time limits are others. What a distribution's own files have besides is as small as it can be.
/// </summary>
internal sealed partial class DocumentedProxy : IAsyncDisposable
{
    private const int HangUp = 1;
    private const int User1 = 10;
    private const int User2 = 12;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sse-proxy-");
    private readonly int _port = Ports.Next();
    private readonly int _adminPort = Ports.Next();
    private readonly string _name;
    private ChildProcess? _process;

    private DocumentedProxy(string name) => _name = name;

    public Uri Address => new($"http://127.0.0.1:{_port}");

    private string Folder => _folder.FullName;

    private string File => Path.Combine(Folder, "proxy.conf");

    /// <summary>Starts it in front of a gateway; skips the test where it is not installed.</summary>
    /// <param name="name">Its heading on the page.</param>
    /// <param name="gateway">What it passes requests to.</param>
    /// <param name="seconds">In place of the 60 s after which it ends what is silent.</param>
    public static async Task<DocumentedProxy> StartAsync(string name, Uri gateway, int seconds)
    {
        var package = name switch { "Apache" => "apache2", _ => name.ToLowerInvariant() };
        var path = NamespaceNetwork.FindProgram(name == "Varnish" ? "varnishd" : package);
        Assert.SkipWhen(path is null, $"{name} is not installed (apt-get install {package}).");
        var page = await System.IO.File.ReadAllTextAsync(Path.Combine(Repository.Root!, "docs", "proxies.md"), TestContext.Current.CancellationToken);
        var proxy = new DocumentedProxy(name);
        var text = Block().Matches(page).Single(match => match.Groups["name"].Value == name).Groups["text"].Value
            .Replace("127.0.0.1:8080", gateway.Authority, StringComparison.Ordinal)
            .Replace("\"8080\"", $"\"{gateway.Port}\"", StringComparison.Ordinal)
            .Replace("8000", $"{proxy._port}", StringComparison.Ordinal)
            .Replace("60s", $"{seconds}s", StringComparison.Ordinal)
            .Replace("ProxyTimeout 60", $"ProxyTimeout {seconds}", StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(proxy.File, proxy.Around(text), TestContext.Current.CancellationToken);
        // Workers that are other users read it.
        if (OperatingSystem.IsLinux())
        {
            System.IO.File.SetUnixFileMode(proxy.Folder, (UnixFileMode)0b111_101_101);
        }

        var start = new ProcessStartInfo(path, proxy.Arguments());
        start.Environment["PATH"] += ":/usr/sbin:/sbin";
        start.Environment["HOME"] = start.Environment["XDG_DATA_HOME"] = start.Environment["XDG_CONFIG_HOME"] = proxy.Folder;
        proxy._process = ChildProcess.Start(start);
        try
        {
            await Eventually.Async(proxy.AnswersAsync, s_limit, $"{name} to pass on a request");
        }
        catch (TimeoutException exception)
        {
            var printed = proxy._process.Tail(20);
            await proxy.DisposeAsync();
            throw new TimeoutException($"{exception.Message} It printed: {printed}", exception);
        }

        return proxy;
    }

    /// <summary>As its service's <c>systemctl reload</c> does.</summary>
    public async Task ReloadAsync()
    {
        switch (_name)
        {
            case "nginx":
                Libc.Signal(_process!.Id, HangUp);
                break;
            case "HAProxy":
                Libc.Signal(_process!.Id, User2);
                break;
            case "Apache":
                Libc.Signal(_process!.Id, User1);
                break;
            case "Caddy":
                await RunAsync("caddy", "reload", "--config", File, "--adapter", "caddyfile", "--force", "--address", $"127.0.0.1:{_adminPort}");
                break;
            default:
                await RunAsync("varnishadm", "-n", Folder, "vcl.load", "next", File);
                await RunAsync("varnishadm", "-n", Folder, "vcl.use", "next");
                break;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    private string Around(string text) => _name switch
    {
        "nginx" => $$"""
            daemon off;
            pid {{Folder}}/nginx.pid;
            error_log stderr;
            worker_processes 1;
            worker_rlimit_nofile 8192;
            events { worker_connections 4096; }
            http {
              access_log off;
              client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
              {{text}}
            }
            """,
        "Caddy" => $$"""
            {
              admin 127.0.0.1:{{_adminPort}}
            }
            {{text}}
            """,
        "Apache" => $"""
            ServerRoot /usr/lib/apache2
            ServerName localhost
            PidFile {Folder}/apache.pid
            DefaultRuntimeDir {Folder}
            ErrorLog /dev/stderr
            User www-data
            Group www-data
            LoadModule mpm_event_module modules/mod_mpm_event.so
            LoadModule authz_core_module modules/mod_authz_core.so
            {text}
            """,
        _ => text,
    };

    private string[] Arguments() => _name switch
    {
        "nginx" => ["-p", Folder, "-c", File, "-e", "stderr"],
        "HAProxy" => ["-W", "-db", "-f", File],
        "Caddy" => ["run", "--config", File, "--adapter", "caddyfile"],
        "Apache" => ["-DFOREGROUND", "-f", File],
        _ => ["-F", "-a", $"127.0.0.1:{_port}", "-f", File, "-n", Folder, "-s", "malloc,16m"],
    };

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(5) };
            using var answer = await client.GetAsync("/alive", TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using var process = ChildProcess.Start(new ProcessStartInfo(program, arguments));
        await process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System);
        Assert.True(process.ExitCode == 0, process.Tail(20));
    }

    [GeneratedRegex("\n## (?<name>\\w+)\n\n```\\w+\n(?<text>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Block();
}
