using System.Diagnostics;
using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>One endpoint of a resource.</summary>
[DebuggerDisplay("Name = {Name}")]
public sealed class EndpointAnnotation : IResourceAnnotation
{
    private string? _transport;
    private bool? _tlsEnabled;
    private int? _targetPort;
    private bool _portSetToNull;
    private bool _targetPortSetToNull;
    private int? _port;

    public EndpointAnnotation(ProtocolType protocol, NetworkIdentifier? networkId, string? uriScheme = null, string? transport = null, [EndpointName] string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
    {
        if (name is not null)
        {
            ModelName.ValidateName(nameof(EndpointAnnotation), name);
        }

        Protocol = protocol;
        UriScheme = uriScheme ?? protocol.ToString().ToLowerInvariant();
        _transport = transport;
        Name = name ?? UriScheme;
        _port = port;
        _targetPort = targetPort;
        IsExternal = isExternal ?? false;
        IsExplicitlyProxied = isProxied;
        DefaultNetworkID = networkId ?? KnownNetworkIdentifiers.LocalhostNetwork;
    }

    public EndpointAnnotation(ProtocolType protocol, string? uriScheme = null, string? transport = null, [EndpointName] string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
        : this(protocol, null, uriScheme, transport, name, port, targetPort, isExternal, isProxied)
    {
    }

    public ProtocolType Protocol { get; set; }

    /// <summary>The port others use; null lets the orchestrator choose.
    /// Without a proxy the port of the process itself, so the target port serves when this is not set.</summary>
    public int? Port
    {
        get => _port ?? (IsProxied || _portSetToNull ? null : _targetPort);
        set
        {
            _port = value;
            _portSetToNull = value is null;
        }
    }

    /// <summary>The port the process or container listens on.
    /// Without a proxy the same as <see cref="Port"/> when not set.</summary>
    public int? TargetPort
    {
        get => _targetPort ?? (IsProxied || _targetPortSetToNull ? null : _port);
        set
        {
            _targetPort = value;
            _targetPortSetToNull = value is null;
        }
    }

    public string UriScheme { get; set; }

    /// <summary>The host name the process binds to.</summary>
    public string TargetHost { get; set; } = KnownHostNames.Localhost;

    /// <summary><c>http</c>, <c>http2</c> or <c>tcp</c>.</summary>
    public string Transport
    {
        get => _transport ?? (UriScheme is "http" or "https" ? "http" : Protocol.ToString().ToLowerInvariant());
        set => _transport = value;
    }

    public string Name { get; set; }

    /// <summary>Whether the endpoint is reachable from outside when deployed.</summary>
    public bool IsExternal { get; set; }

    /// <summary>What the user said about proxying; null when nothing.</summary>
    public bool? IsExplicitlyProxied { get; set; }

    /// <summary>Whether the orchestrator's proxy listens on <see cref="Port"/> and spreads connections over the replicas.</summary>
    public bool IsProxied
    {
        get => IsExplicitlyProxied ?? true;
        set => IsExplicitlyProxied = value;
    }

    public bool TlsEnabled
    {
        get => _tlsEnabled ?? string.Equals(UriScheme, "https", StringComparison.OrdinalIgnoreCase);
        set => _tlsEnabled = value;
    }

    /// <summary>Whether <c>WithReference(resource)</c> leaves this endpoint out.</summary>
    public bool ExcludeReferenceEndpoint { get; set; }

    public NetworkIdentifier DefaultNetworkID { get; }

    public NetworkEndpointSnapshotList AllAllocatedEndpoints { get; } = new();

    /// <summary>The address in the default network, once allocated.</summary>
    public AllocatedEndpoint? AllocatedEndpoint
    {
        get => AllAllocatedEndpoints.TryGetAllocatedEndpoint(DefaultNetworkID, out var endpoint) ? endpoint : null;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            AllAllocatedEndpoints.AddOrUpdateAllocatedEndpoint(value.NetworkID, value);
        }
    }

    /// <summary>Whether the endpoint came from the launch profile and not from code.</summary>
    internal bool FromLaunchProfile { get; set; }

    /// <summary>The variable that gets the target port.</summary>
    internal string? TargetPortEnvironmentVariable { get; set; }

    internal int? SpecifiedPort => _port;
}
