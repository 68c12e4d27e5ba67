namespace SseApp.Tests.Infrastructure;

/// <summary>Machines on one switch, as network namespaces that nothing else of this machine reaches: 192.0.2.1, 192.0.2.2, ….</summary>
internal sealed class NamespaceNetwork : IAsyncDisposable
{
    private const int PrefixLength = 24;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly string _prefix = $"sse-{Guid.NewGuid().ToString("N")[..8]}";
    private readonly NetworkHost[] _hosts;

    private NamespaceNetwork(int hosts) =>
        _hosts = [.. Enumerable.Range(1, hosts).Select(i => new NetworkHost($"{_prefix}-{i}", IPAddress.Parse($"192.0.2.{i}")))];

    public IReadOnlyList<NetworkHost> Hosts => _hosts;

    /// <summary>Makes the network; skips the test where this process may not.</summary>
    public static async Task<NamespaceNetwork> CreateAsync(int hosts)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Network namespaces are Linux'.");
        Assert.SkipWhen(FindProgram("ip") is null, "ip is not installed (apt-get install iproute2).");
        var network = new NamespaceNetwork(hosts);
        var script = new StringBuilder(
            $"""
            set -e
            export PATH=$PATH:/usr/sbin:/sbin
            ip netns add {network._prefix}
            ip -n {network._prefix} link add name switch type bridge forward_delay 0
            ip -n {network._prefix} link set switch up

            """);
        for (var i = 1; i <= hosts; i++)
        {
            var host = network._hosts[i - 1];
            script.Append(CultureInfo.InvariantCulture,
                $"""
                ip netns add {host.Name}
                ip link add name eth0 netns {host.Name} type veth peer name port{i} netns {network._prefix}
                ip -n {network._prefix} link set port{i} master switch up
                ip -n {host.Name} link set lo up
                ip -n {host.Name} address add {host.Address}/{PrefixLength} dev eth0
                ip -n {host.Name} link set eth0 up

                """);
        }

        var (code, said) = await RunAsync(script.ToString());
        if (code != 0)
        {
            await network.DisposeAsync();
            Assert.Skip($"Network namespaces cannot be made here (that takes the rights of root): {said}");
        }

        return network;
    }

    /// <summary>An administrator's program, whose folder the PATH of a user lacks.</summary>
    public static string? FindProgram(string program) =>
        BackplaneServer.FindOnPath(program) ?? Array.Find([$"/usr/sbin/{program}", $"/sbin/{program}"], File.Exists);

    /// <summary>What is in a namespace goes with it: links, addresses, routes.</summary>
    public async ValueTask DisposeAsync()
    {
        var script = new StringBuilder("export PATH=$PATH:/usr/sbin:/sbin\n");
        foreach (var name in _hosts.Select(host => host.Name).Append(_prefix))
        {
            script.Append(CultureInfo.InvariantCulture, $"[ ! -e /run/netns/{name} ] || ip netns delete {name}\n");
        }

        var (code, said) = await RunAsync(script.ToString());
        if (code != 0)
        {
            throw new IOException($"A network namespace was not removed: {said}");
        }
    }

    private static async Task<(int Code, string Said)> RunAsync(string script)
    {
        await using var bash = ChildProcess.Start(new ProcessStartInfo("bash", ["-c", script]));
        await bash.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System);
        return (bash.ExitCode, bash.Tail());
    }
}
