using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using YamlDotNet.Serialization;

namespace SseApp.Tests.Docs;

/// <summary>The overlays of <c>deploy/k8s</c>, rendered by <c>kubectl</c> and read as what the API server takes: an unknown field fails.</summary>
public sealed partial class Manifests : IAsyncLifetime
{
    public const string Folder = "deploy/k8s";

    /// <summary>Resources of others (CRDs), with the fields that are used here.</summary>
    private static readonly Dictionary<string, Type> s_others = new(StringComparer.Ordinal)
    {
        ["gateway.networking.k8s.io/v1/HTTPRoute"] = typeof(HttpRoute),
        ["monitoring.coreos.com/v1/ServiceMonitor"] = typeof(ServiceMonitor),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(PrometheusRule),
    };

    private readonly Dictionary<string, IReadOnlyList<object>> _overlays = new(StringComparer.Ordinal);
    private string? _missing;

    /// <summary>By the name of the overlay; skips the test where they cannot be rendered.</summary>
    internal IReadOnlyDictionary<string, IReadOnlyList<object>> Overlays
    {
        get
        {
            Assert.SkipWhen(_missing is not null, _missing ?? "");
            return _overlays;
        }
    }

    /// <summary>The one that is the base with little beside it.</summary>
    internal IReadOnlyList<object> Local => Overlays["local"];

    internal static IReadOnlyList<object> Parse(string yaml) => KubernetesYaml.LoadAllFromString(yaml, s_others, strict: true);

    /// <summary>What a program wrote to its standard output; null: it is not installed.</summary>
    internal static async Task<string?> OutputAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }

        using (process)
        {
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}:\n{output}{await errors}");
            return output;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _missing = Repository.Root is null
            ? "The tests do not run inside the repository, so its manifests cannot be read."
            : await OutputAsync("kubectl", "version", "--client") switch
            {
                null => "kubectl is not installed (Debian 13: apt-get install kubernetes-client).",
                var version when !Kustomize().IsMatch(version) => $"This kubectl has no Kustomize 5 (kubectl 1.27 or newer; Debian 12's is 1.20): {version.Trim()}",
                _ => null,
            };
        if (_missing is not null)
        {
            return;
        }

        foreach (var overlay in Directory.GetDirectories(Path.Combine(Repository.Root!, Folder, "overlays")))
        {
            _overlays[Path.GetFileName(overlay)] = Parse((await OutputAsync("kubectl", "kustomize", overlay))!);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [GeneratedRegex(@"Kustomize Version: v([5-9]|\d\d)\.", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Kustomize();
}

/// <summary>A pod, and who runs it.</summary>
internal sealed record Workload(string Name, IDictionary<string, string> Labels, IDictionary<string, string> Selected, V1PodSpec Pod)
{
    public V1Container Container => Assert.Single(Pod.Containers);

    /// <summary>The one volume of secrets: its name, who may read it, and the secrets in it.</summary>
    public (string Volume, int? Mode, IReadOnlyList<string> Names) Secrets
    {
        get
        {
            var volume = Assert.Single(Pod.Volumes, volume => volume.Secret is not null || volume.Projected is not null);
            return volume.Secret is { } secret
                ? (volume.Name, secret.DefaultMode, [secret.SecretName])
                : (volume.Name, volume.Projected.DefaultMode, [.. volume.Projected.Sources.Select(source => source.Secret.Name)]);
        }
    }

    public static IReadOnlyList<Workload> Of(IReadOnlyList<object> overlay) =>
    [
        .. overlay.OfType<V1Deployment>().Select(one => new Workload(one.Metadata.Name, one.Spec.Template.Metadata.Labels, one.Spec.Selector.MatchLabels, one.Spec.Template.Spec)),
        .. overlay.OfType<V1StatefulSet>().Select(one => new Workload(one.Metadata.Name, one.Spec.Template.Metadata.Labels, one.Spec.Selector.MatchLabels, one.Spec.Template.Spec)),
    ];

    public bool IsMeantBy(IDictionary<string, string> selector) => selector.All(label => Labels.TryGetValue(label.Key, out var value) && value == label.Value);

    /// <summary>Port of the container, by its name.</summary>
    public int Port(string name) => Assert.Single(Container.Ports, port => port.Name == name).ContainerPort;
}

/// <summary><c>deploy/compose/compose.yml</c>, with its anchors resolved.</summary>
internal sealed partial class ComposeFile(object? node)
{
    public static async Task<ComposeFile> ReadAsync() =>
        new(new DeserializerBuilder().Build().Deserialize<object>(await DocsFolder.ReadAsync("deploy/compose/compose.yml")));

    /// <summary>A member; what the mapping itself does not have is in the one that it merges.</summary>
    public ComposeFile this[string key] => new(Find(node, key) ?? throw new KeyNotFoundException($"compose.yml has no {key} there."));

    public IEnumerable<string> Keys => Mapping(node).Keys.Select(key => (string)key).Where(key => key != "<<")
        .Concat(Mapping(node).TryGetValue("<<", out var merged) ? new ComposeFile(merged).Keys : []).Distinct(StringComparer.Ordinal);

    /// <summary>The entries of a list.</summary>
    public IReadOnlyList<string> Items => [.. ((IEnumerable<object>)node!).Select(item => (string)item)];

    /// <summary>The text, with the defaults of variables in their place.</summary>
    public string Text => Variable().Replace((string)node!, "${default}");

    private static object? Find(object? node, string key) => Mapping(node).TryGetValue(key, out var value) ? value
        : Mapping(node).TryGetValue("<<", out var merged) ? Find(merged, key) : null;

    private static IDictionary<object, object> Mapping(object? node) => (IDictionary<object, object>)node!;

    [GeneratedRegex(@"\$\{\w+:-(?<default>[^}]*)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variable();
}

/// <summary>An object that is no part of Kubernetes itself.</summary>
internal abstract class OtherResource<TSpec> : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public TSpec Spec { get; set; } = default!;
}

/// <summary>Of the Gateway API.</summary>
internal sealed class HttpRoute : OtherResource<HttpRoute.RouteSpec>
{
    internal sealed class RouteSpec
    {
        public IList<Parent> ParentRefs { get; set; } = [];

        public IList<string> Hostnames { get; set; } = [];

        public IList<Rule> Rules { get; set; } = [];
    }

    internal sealed class Parent
    {
        public string? Name { get; set; }

        public string? Namespace { get; set; }

        public string? SectionName { get; set; }
    }

    internal sealed class Rule
    {
        public IList<Match> Matches { get; set; } = [];

        public Limits? Timeouts { get; set; }

        public IList<Backend> BackendRefs { get; set; } = [];
    }

    internal sealed class Match
    {
        public PathMatch? Path { get; set; }
    }

    internal sealed class PathMatch
    {
        public string? Type { get; set; }

        public string? Value { get; set; }
    }

    internal sealed class Limits
    {
        public string? Request { get; set; }

        public string? BackendRequest { get; set; }
    }

    internal sealed class Backend
    {
        public string Name { get; set; } = "";

        public int Port { get; set; }
    }
}

/// <summary>Of the Prometheus Operator.</summary>
internal sealed class ServiceMonitor : OtherResource<ServiceMonitor.MonitorSpec>
{
    internal sealed class MonitorSpec
    {
        public V1LabelSelector Selector { get; set; } = new();

        public IList<Endpoint> Endpoints { get; set; } = [];
    }

    internal sealed class Endpoint
    {
        public string Port { get; set; } = "";

        public string? Interval { get; set; }

        public Credentials? Authorization { get; set; }

        public IList<Relabeling> Relabelings { get; set; } = [];
    }

    internal sealed class Credentials
    {
        [YamlMember(Alias = "credentials")]
        public V1SecretKeySelector Secret { get; set; } = new();
    }

    internal sealed class Relabeling
    {
        public string? TargetLabel { get; set; }

        public string? Replacement { get; set; }
    }
}

/// <summary>Of the Prometheus Operator.</summary>
internal sealed class PrometheusRule : OtherResource<PrometheusRule.RuleSpec>
{
    internal sealed class RuleSpec
    {
        public IList<Group> Groups { get; set; } = [];
    }

    internal sealed class Group
    {
        public string Name { get; set; } = "";

        public IList<Rule> Rules { get; set; } = [];
    }

    internal sealed class Rule
    {
        public string? Record { get; set; }

        public string? Alert { get; set; }

        public string Expr { get; set; } = "";

        public string? For { get; set; }

        public IDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

        public IDictionary<string, string> Annotations { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
    }
}
