namespace SseApp.Tests.EndToEnd;

/// <summary>
/// Five machines on one switch: clients; Redis and two replicas; two with a gateway and Debian's keepalived, which has the files
/// of <c>deploy/compose/keepalived</c> where its image has them, and the capabilities of its container. Every time but that of a gateway's drain is the default, as users have it.
/// </summary>
public sealed class VirtualAddressFixture : IAsyncDisposable
{
    private const int RedisPort = 6379;
    private const int GatewayPort = 8080;
    private const int Gateways = 2;
    private const string VirtualAddress = "192.0.2.100";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<ServiceProcess> _gateways = [];
    private readonly List<ChildProcess> _keepalived = [];
    private readonly ConcurrentDictionary<int, (string State, long At)> _states = new();
    private NamespaceNetwork? _network;
    private Task? _started;

    /// <summary>Where clients find a gateway.</summary>
    public Uri Address { get; } = new($"http://{VirtualAddress}:{GatewayPort}");

    /// <summary>The machine of the clients.</summary>
    internal NetworkHost Clients => _network!.Hosts[0];

    internal IReadOnlyList<ServiceProcess> GatewayProcesses => _gateways;

    /// <summary>The number of the gateway that has the address, and since when; null while none or both have it.</summary>
    internal (int Gateway, long Since)? Holder =>
        _states.Where(state => state.Value.State == "MASTER").ToArray() is [var holder] && _states.Count == Gateways ? (holder.Key, holder.Value.At) : null;

    /// <summary>Starts everything if nothing runs yet, what has ended since, and waits until both gateways are ready and one has the address.</summary>
    internal async Task WholeAsync()
    {
        await (_started ??= StartAsync());
        await Task.WhenAll(_gateways.Where(gateway => gateway.Process.HasExited).Select(gateway => gateway.StartAsync()));
        for (var i = 0; i < Gateways; i++)
        {
            var number = i;
            // Keepalived asks three times before it believes it.
            await Eventually.Async(() => _states.TryGetValue(number, out var state) && state.State is "MASTER" or "BACKUP", s_limit, $"{_gateways[number].Name} to be ready; {Describe()}");
        }

        await Eventually.Async(() => Holder is not null, s_limit, $"one gateway to have the address; {Describe()}");
    }

    internal string Describe() => string.Join("; ", _keepalived.Select((process, i) => $"keepalived {i + 1}: {process.Tail()}").Concat(_gateways.Select(gateway => $"{gateway.Name}: {gateway.Process.Tail()}")));

    public async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var owned in _keepalived.Concat(Enumerable.Reverse(_owned)))
            {
                await owned.DisposeAsync();
            }
        }
        finally
        {
            if (_network is not null)
            {
                await _network.DisposeAsync();
            }
        }
    }

    private async Task StartAsync()
    {
        var redis = BackplaneServer.FindOnPath("redis-server");
        Assert.SkipWhen(redis is null, "redis-server is not installed (apt-get install redis-server).");
        Assert.SkipWhen(NamespaceNetwork.FindProgram("keepalived") is null, "keepalived is not installed (apt-get install keepalived).");
        _network = await NamespaceNetwork.CreateAsync(2 + Gateways);
        var hosts = _network.Hosts;
        var services = hosts[1];
        _owned.Add(ChildProcess.Start(services.Program(redis, "--port", $"{RedisPort}", "--bind", $"{services.Address}", "--protected-mode", "no", "--save", "", "--appendonly", "no")));

        Dictionary<string, string> settings = new(StringComparer.Ordinal)
        {
            ["ConnectionStrings__redis"] = $"{services.Address}:{RedisPort},abortConnect=false",
            // All clients have one address.
            ["Limits__StreamsPerAddress"] = "0",
            ["Limits__ConnectionsPerAddress"] = "0",
            ["Limits__ConnectsPerSecond"] = "0",
            ["Limits__EventsPerSecond"] = "0",
        };
        var replicas = Enumerable.Range(1, 2).Select(i => new ServiceProcess($"r{i}", "SseApp.Events", settings, host: services)).ToArray();
        Dictionary<string, string> ofGateways = new(settings, StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = $"http://*:{GatewayPort}",
            // As the page says: streams that are still open when the address moves would not hear of it.
            ["Drain__Window"] = "00:00:01",
        };
        _gateways.AddRange(Enumerable.Range(0, Gateways).Select(i =>
            new ServiceProcess($"gateway-{i + 1}", "SseApp.Gateway", ofGateways, host: hosts[2 + i], probe: new Uri($"http://{hosts[2 + i].Address}:{GatewayPort}"))));
        _owned.AddRange(replicas);
        _owned.AddRange(_gateways);
        await Task.WhenAll(replicas.Concat(_gateways).Select(service => service.StartAsync()));
        for (var i = 0; i < Gateways; i++)
        {
            _keepalived.Add(StartKeepalived(i, hosts[2 + i]));
        }
    }

    /// <summary>Those that its container has, as setpriv takes them.</summary>
    private static string Capabilities()
    {
        var added = File.ReadLines(Path.Combine(Repository.Root!, "deploy", "compose", "compose.yml")).Single(line => line.Contains("cap_add: [NET_ADMIN", StringComparison.Ordinal));
        return string.Join(',', added[(added.IndexOf('[', StringComparison.Ordinal) + 1)..].TrimEnd(']').Split(", ").Select(name => $"+{name.ToLowerInvariant()}"));
    }

    private ChildProcess StartKeepalived(int number, NetworkHost host)
    {
        // Nobody but this process and its children sees these mounts.
        var start = host.Program("bash", "-ec",
            """
            mount -t tmpfs tmpfs /usr/local/bin; mount -t tmpfs tmpfs /etc/keepalived
            cp "$0"/start "$0"/sseapp-gateway-ready /usr/local/bin/; cp "$0"/vrrp.conf /etc/keepalived/sseapp.conf
            mount -t tmpfs tmpfs /tmp; mount -t tmpfs tmpfs /run
            exec setpriv --bounding-set "-all,$1" /usr/local/bin/start
            """, Path.Combine(Repository.Root!, "deploy", "compose", "keepalived"), Capabilities());
        start.WorkingDirectory = "/";
        start.Environment["VIRTUAL_ADDRESS"] = $"{VirtualAddress}/24";
        start.Environment["VRRP_PRIORITY"] = $"{100 - number}";
        return ChildProcess.Start(start, Keep, Keep);

        void Keep(string line)
        {
            const string Entering = ") Entering ";
            if (line.IndexOf(Entering, StringComparison.Ordinal) is >= 0 and var at)
            {
                _states[number] = (line[(at + Entering.Length)..].Split(' ')[0], Stopwatch.GetTimestamp());
            }
        }
    }
}
