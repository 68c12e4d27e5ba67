using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using SseApp.Events.FanOut;
using SseApp.Gateway.Clients;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.Docs;

/// <summary><c>deploy/k8s</c> says what the services and <c>deploy/compose</c> say, and its parts fit each other.</summary>
public sealed partial class KubernetesTests(Manifests manifests) : IClassFixture<Manifests>
{
    private const string Component = "app.kubernetes.io/component";
    private const string SecretsFolder = "/run/secrets";

    private static readonly string[] s_services = ["events", "gateway"];

    [Fact]
    public void Every_object_is_in_the_namespace_of_its_overlay_and_there_once()
    {
        Assert.Equal(["archive", "local", "production", "production-crd"], manifests.Overlays.Keys.Order(StringComparer.Ordinal));
        Assert.All(manifests.Overlays.Values, overlay =>
        {
            var all = overlay.Cast<IKubernetesObject<V1ObjectMeta>>().ToArray();
            var space = Assert.Single(overlay.OfType<V1Namespace>());
            Assert.Equal("restricted", space.Metadata.Labels["pod-security.kubernetes.io/enforce"]);
            Assert.All(all.Where(one => one is not V1Namespace), one => Assert.Equal(space.Metadata.Name, one.Metadata.NamespaceProperty));
            Assert.Distinct(all.Select(one => $"{one.Kind} {one.Metadata.Name}"));
        });
    }

    [Fact]
    public void Everything_selects_the_pods_that_it_is_for()
    {
        Assert.All(manifests.Overlays.Values, overlay =>
        {
            var workloads = Workload.Of(overlay);
            Assert.Equal(["events", "gateway", "redis"], workloads.Select(workload => workload.Name).Order(StringComparer.Ordinal));
            Assert.All(workloads, workload =>
            {
                Assert.True(workload.IsMeantBy(workload.Selected));
                Assert.All(workload.Pod.TopologySpreadConstraints ?? [], spread => AssertOnly(workload.Name, spread.LabelSelector));
            });
            Assert.All(overlay.OfType<V1PodDisruptionBudget>(), budget => AssertOnly(budget.Metadata.Name, budget.Spec.Selector));
            Assert.Equal(s_services, overlay.OfType<V1PodDisruptionBudget>().Select(budget => budget.Metadata.Name).Order(StringComparer.Ordinal));
            Assert.All(overlay.OfType<V1Service>(), service =>
            {
                var workload = Assert.Single(workloads, workload => workload.IsMeantBy(service.Spec.Selector));
                Assert.Equal(workload.Name, service.Metadata.Name.Replace("-admin", "", StringComparison.Ordinal));
                Assert.All(service.Spec.Ports, port => Assert.Equal(workload.Port(port.TargetPort), port.Port));
            });
            Assert.All(overlay.OfType<V2HorizontalPodAutoscaler>(), scaler =>
            {
                Assert.Equal(("Deployment", scaler.Metadata.Name), (scaler.Spec.ScaleTargetRef.Kind, scaler.Spec.ScaleTargetRef.Name));
                Assert.Contains(scaler.Metadata.Name, s_services);
            });

            void AssertOnly(string name, V1LabelSelector selector) =>
                Assert.Equal(name, Assert.Single(workloads, workload => workload.IsMeantBy(selector.MatchLabels)).Name);
        });
    }

    [Fact]
    public async Task Ports_and_probes_are_those_of_the_services()
    {
        var http = await ServiceImage.PortAsync();
        var admin = Assert.Single(Bind<AdminOptions>(AdminOptions.SectionName, Settings(manifests.Local)).Addresses);

        Assert.All(Services(), workload =>
        {
            Assert.Equal((http, admin.Port), (workload.Port("http"), workload.Port("admin")));
            var container = workload.Container;
            Assert.All(
                new[] { (container.StartupProbe, HealthExtensions.LivenessPath), (container.LivenessProbe, HealthExtensions.LivenessPath), (container.ReadinessProbe, HealthExtensions.ReadinessPath) },
                probe => Assert.Equal(("http", probe.Item2), (probe.Item1.HttpGet.Port.Value, probe.Item1.HttpGet.Path)));
            // No answer to /health takes longer than two seconds; one slow answer takes nobody out of routing.
            Assert.InRange(container.ReadinessProbe.TimeoutSeconds ?? 1, 3, int.MaxValue);
            Assert.InRange(container.ReadinessProbe.FailureThreshold ?? 3, 2, int.MaxValue);
            // A process that starts with half a core has two minutes.
            Assert.InRange((container.StartupProbe.PeriodSeconds ?? 10) * (container.StartupProbe.FailureThreshold ?? 3), 120, int.MaxValue);
        });
    }

    /// <summary>For a process that is stopped or hangs the system goes on taking connections.</summary>
    [Fact]
    public void What_hangs_is_not_taken_for_alive_because_its_port_is_open() =>
        Assert.All(manifests.Overlays.Values, overlay => Assert.All(
            overlay.OfType<V1StatefulSet>().Select(set => set.Spec.Template.Spec).Concat(overlay.OfType<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec)).SelectMany(pod => pod.Containers),
            container => Assert.True(container.LivenessProbe is null or { TcpSocket: null }, container.Name)));

    [Fact]
    public async Task Every_setting_exists_and_can_be_used()
    {
        var known = ServiceImage.Settings()
            .SelectMany(key => new[] { key, key.Replace(":n", "", StringComparison.Ordinal) }).ToHashSet(StringComparer.Ordinal);
        var secrets = SecretFile().Matches(await DocsFolder.ReadAsync($"{Manifests.Folder}/make-secrets")).Select(match => match.Groups["name"].Value).ToArray();

        Assert.Equal(["Security__GatewayKey", "ConnectionStrings__redis"], secrets);
        Assert.All(manifests.Overlays.Values, overlay =>
        {
            var settings = Settings(overlay);
            foreach (var name in settings.Keys.Concat(secrets).Where(name => !name.StartsWith("ConnectionStrings__", StringComparison.Ordinal)))
            {
                Assert.Contains(ServiceImage.SettingOf(name), known);
            }

            Assert.Empty(SettingNames.Problems(new ConfigurationBuilder().AddInMemoryCollection(Pairs(settings)).Build(), settings.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value))));
            Assert.Equal($"{SecretsFolder}/api_keys", Bind<CredentialOptions>(CredentialOptions.SectionName, settings).ApiKeyFile);
            Assert.All(Workload.Of(overlay).Where(workload => workload.Name != "redis"), workload =>
            {
                // The name with the hash of what is in it: a changed setting is a rolling update.
                var source = Assert.Single(workload.Container.EnvFrom).ConfigMapRef.Name;
                Assert.Equal(source, Assert.Single(overlay.OfType<V1ConfigMap>(), map => map.Data.ContainsKey("Drain__Window")).Metadata.Name);
                Assert.Equal(SecretsFolder, Assert.Single(workload.Container.VolumeMounts, mount => mount.Name == workload.Secrets.Volume).MountPath);
                Assert.Equal(SecretsFolder, new SecretFilesOptions().Folder);
            });
        });
        var variable = Assert.Single(Workload.Of(manifests.Local).Single(workload => workload.Name == "events").Container.Env);
        Assert.Contains($"configuration[\"{variable.Name}\"]", await DocsFolder.ReadAsync("SseApp.Events/Replicas/ReplicaRegistration.cs"), StringComparison.Ordinal);
        Assert.Equal("status.podIP", variable.ValueFrom.FieldRef.FieldPath);
    }

    /// <summary>A pod that is killed before its last stream was handed over cuts it; one whose successor's turn comes too early moves streams twice.</summary>
    [Fact]
    public void Pods_have_time_to_drain_and_one_drains_at_a_time()
    {
        Assert.All(manifests.Overlays.Values, overlay => Assert.All(overlay.OfType<V1Deployment>(), deployment =>
        {
            var window = Bind<DrainOptions>(DrainOptions.SectionName, Settings(overlay)).Window;
            var pod = deployment.Spec.Template.Spec;
            var leave = (pod.Containers[0].Lifecycle?.PreStop.Sleep.Seconds ?? 0) + window.TotalSeconds;

            Assert.True(window > new DrainOptions().Window);
            Assert.InRange((double)(pod.TerminationGracePeriodSeconds ?? 30), leave + DrainOnStop.Grace.TotalSeconds + 5, leave + 60);
            Assert.InRange((double)(deployment.Spec.MinReadySeconds ?? 0), leave, leave + 60);
            Assert.Equal(("1", "0"), (deployment.Spec.Strategy.RollingUpdate.MaxSurge.Value, deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.Value));
        }));
    }

    [Fact]
    public async Task It_is_what_compose_is()
    {
        var compose = await ComposeFile.ReadAsync();
        var services = compose["services"];
        var settings = Settings(manifests.Local);

        Assert.Equal(services.Keys.Count(key => key.StartsWith("gateway-", StringComparison.Ordinal)), Deployment("gateway").Spec.Replicas);
        Assert.Equal(int.Parse(services["events"]["deploy"]["replicas"].Text, CultureInfo.InvariantCulture), Deployment("events").Spec.Replicas);
        var environment = services["events"]["environment"];
        // A file in a folder of its own there, because a mounted file stays the old one; a secret's is a link that is renewed.
        const string ApiKeyFile = "Security__ApiKeyFile";
        Assert.Equal(
            environment.Keys.Where(key => key != ApiKeyFile).Select(key => $"{key}={environment[key].Text}").Order(StringComparer.Ordinal),
            settings.Where(pair => pair.Key != ApiKeyFile).Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal));
        AssertSame(services["events"], "events", "sseapp");
        AssertSame(services["gateway-1"], "gateway", "sseapp");
        AssertSame(services["redis"], "redis", "redis");
        Assert.Equal(await DocsFolder.ReadAsync("deploy/compose/redis/redis.conf"), Assert.Single(manifests.Local.OfType<V1ConfigMap>(), map => map.Data.ContainsKey("redis.conf")).Data["redis.conf"]);
        var user = Workload.Of(manifests.Local).Single(workload => workload.Name == "redis").Pod.SecurityContext;
        Assert.Equal(services["redis"]["user"].Text, $"{user.RunAsUser}:{user.RunAsGroup}");

        void AssertSame(ComposeFile service, string name, string secret)
        {
            var workload = Assert.Single(Workload.Of(manifests.Local), workload => workload.Name == name);
            Assert.Equal(service["image"].Text, workload.Container.Image);
            Assert.Equal(ByteSize.Parse(service["mem_limit"].Text.ToUpperInvariant() + "B").Bytes, workload.Container.Resources.Limits["memory"].ToInt64());
            if (name != "redis")
            {
                Assert.Equal(decimal.Parse(service["cpus"].Text, CultureInfo.InvariantCulture), workload.Container.Resources.Limits["cpu"].ToDecimal());
                Assert.InRange(Bind<MemoryGuardOptions>(MemoryGuardOptions.SectionName, settings).Limit.Bytes, 1, workload.Container.Resources.Limits["memory"].ToInt64() * 9 / 10);
            }

            Assert.Equal([secret], workload.Secrets.Names);
        }
    }

    /// <summary>What the restricted profile of Pod Security wants, and what it leaves open: the file system, the token, the variables.</summary>
    [Fact]
    public async Task Pods_may_no_more_than_they_need()
    {
        var user = long.Parse(User().Match(await DocsFolder.ReadAsync("eng/Container.targets")).Groups["user"].Value, CultureInfo.InvariantCulture);
        Assert.All(manifests.Overlays.Values, overlay => Assert.All(Workload.Of(overlay), workload =>
        {
            var (pod, container) = (workload.Pod, workload.Container);
            Assert.False(pod.AutomountServiceAccountToken);
            Assert.False(pod.EnableServiceLinks);
            Assert.False(Assert.Single(overlay.OfType<V1ServiceAccount>(), account => account.Metadata.Name == pod.ServiceAccountName).AutomountServiceAccountToken);
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Null(container.SecurityContext.Capabilities.Add);
            Assert.DoesNotContain(pod.Volumes, volume => volume.HostPath is not null);
            Assert.All(container.Env ?? [], variable => Assert.Null(variable.ValueFrom?.SecretKeyRef));
            // root:group 0440, and the pod is in that group.
            Assert.Equal(0b100_100_000, workload.Secrets.Mode);
            Assert.Equal(pod.SecurityContext.RunAsGroup, pod.SecurityContext.FsGroup);
            if (workload.Name != "redis")
            {
                Assert.Equal(user, pod.SecurityContext.RunAsUser);
            }
        }));
    }

    [Fact]
    public void Nobody_reaches_anybody_but_on_these_ways()
    {
        Assert.All(manifests.Overlays.Values, overlay =>
        {
            var policies = overlay.OfType<V1NetworkPolicy>().ToArray();
            Assert.Contains(policies, policy => policy.Spec is { Ingress: null, Egress: null, PodSelector: { MatchLabels: null, MatchExpressions: null }, PolicyTypes: ["Ingress", "Egress"] });
            var workloads = Workload.Of(overlay);
            string[] ways =
            [
                .. workloads.SelectMany(to => policies.Where(policy => policy.Spec.PodSelector.MatchLabels is { } labels && to.IsMeantBy(labels) && Listed(policy.Spec.PodSelector, to))
                    .SelectMany(policy => policy.Spec.Ingress ?? [])
                    .SelectMany(rule => rule.Ports.SelectMany(port => From(rule).Select(from => $"{from} to {to.Name} {port.Port.Value}")))).Order(StringComparer.Ordinal),
            ];
            string[] monitoring = overlay.OfType<ServiceMonitor>().Any() ? ["monitoring to events 8081", "monitoring to gateway 8081"] : [];
            string[] expected = ["anybody to gateway 8080", "events to redis 6379", "gateway to events 8080", "gateway to redis 6379", .. monitoring];
            Assert.Equal(expected.Order(StringComparer.Ordinal), ways);
            string[] archive = IsArchived(overlay) ? ["events to anybody 5432"] : [];
            Assert.Equal(
                [.. archive, "events to redis 6379", "gateway to events 8080", "gateway to redis 6379"],
                workloads.SelectMany(from => policies.Where(policy => policy.Spec.PodSelector.MatchLabels is { } labels && from.IsMeantBy(labels))
                    .SelectMany(policy => policy.Spec.Egress ?? [])
                    .SelectMany(rule => To(rule).SelectMany(to => rule.Ports.Select(port => $"{from.Name} to {to} {port.Port.Value}")))).Order(StringComparer.Ordinal));

            IEnumerable<string> From(V1NetworkPolicyIngressRule rule) => rule.FromProperty is null ? ["anybody"] : rule.FromProperty.Select(Named);

            IEnumerable<string> To(V1NetworkPolicyEgressRule rule) => rule.To is null ? ["anybody"] : rule.To.Where(to => to.PodSelector is not null).Select(Named);

            string Named(V1NetworkPolicyPeer peer) => peer.PodSelector is { } pods
                ? Assert.Single(workloads, workload => workload.IsMeantBy(pods.MatchLabels)).Name
                : peer.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"];

            static bool Listed(V1LabelSelector selector, Workload workload) =>
                (selector.MatchExpressions ?? []).All(expression => expression is { Key: Component, OperatorProperty: "In" } && expression.Values.Contains(workload.Labels[Component]));
        });
    }

    /// <summary>The database is elsewhere, and its connection string the replicas' alone.</summary>
    [Fact]
    public async Task An_archive_is_what_the_replicas_have_and_nobody_else()
    {
        var archived = manifests.Overlays["archive"];
        Assert.Equal("PostgreSQL", Settings(archived)["Archive__Mode"]);
        Assert.All(manifests.Overlays.Values.Where(overlay => overlay != archived), overlay => Assert.False(IsArchived(overlay)));
        var secrets = Workload.Of(archived).ToDictionary(workload => workload.Name, workload => workload.Secrets.Names, StringComparer.Ordinal);
        Assert.Equal(["sseapp", "sseapp-archive"], secrets["events"]);
        Assert.Equal(["sseapp"], secrets["gateway"]);
        Assert.Contains("create secret generic sseapp-archive --from-literal=ConnectionStrings__archive=", await DocsFolder.ReadAsync("docs/kubernetes.md"), StringComparison.Ordinal);
        // Beside that it is what production is.
        Assert.Equal(
            manifests.Overlays["production"].Cast<IKubernetesObject<V1ObjectMeta>>().Select(one => $"{one.Kind} {Plain(one)}").Append("NetworkPolicy archive").Order(StringComparer.Ordinal),
            archived.Cast<IKubernetesObject<V1ObjectMeta>>().Select(one => $"{one.Kind} {Plain(one)}").Order(StringComparer.Ordinal));

        // The name of a map has a hash of what is in it.
        static string Plain(IKubernetesObject<V1ObjectMeta> one) => one is V1ConfigMap ? one.Metadata.Name[..one.Metadata.Name.LastIndexOf('-')] : one.Metadata.Name;
    }

    [Fact]
    public async Task Autoscalers_start_from_what_compose_has_and_follow_metrics_that_there_are()
    {
        var compose = (await ComposeFile.ReadAsync())["services"];
        var least = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["events"] = int.Parse(compose["events"]["deploy"]["replicas"].Text, CultureInfo.InvariantCulture),
            ["gateway"] = compose.Keys.Count(key => key.StartsWith("gateway-", StringComparison.Ordinal)),
        };
        Assert.Empty(manifests.Local.OfType<V2HorizontalPodAutoscaler>());
        foreach (var overlay in manifests.Overlays.Where(overlay => overlay.Key != "local").Select(overlay => overlay.Value))
        {
            var scalers = overlay.OfType<V2HorizontalPodAutoscaler>().ToDictionary(scaler => scaler.Metadata.Name);
            Assert.Equal(least, scalers.ToDictionary(scaler => scaler.Key, scaler => scaler.Value.Spec.MinReplicas ?? 0));
            // Each apply would take the number back.
            Assert.All(overlay.OfType<V1Deployment>(), deployment => Assert.Null(deployment.Spec.Replicas));
            Assert.All(scalers.Values, scaler =>
            {
                Assert.Contains(scaler.Spec.Metrics, metric => metric.Resource?.Name == "cpu");
                var down = scaler.Spec.Behavior.ScaleDown;
                var policy = Assert.Single(down.Policies);
                Assert.InRange(down.StabilizationWindowSeconds ?? 0, 600, 3600);
                // The next one's turn comes when the one before has drained.
                Assert.Equal(("Pods", 1), (policy.Type, policy.Value));
                Assert.InRange((long)policy.PeriodSeconds, overlay.OfType<V1Deployment>().Max(deployment => deployment.Spec.Template.Spec.TerminationGracePeriodSeconds ?? 30), 600);
            });
        }

        Assert.Equal(
            [("events", MetricNames.ActiveConnections), ("gateway", MetricNames.GatewayActiveStreams)],
            manifests.Overlays["production-crd"].OfType<V2HorizontalPodAutoscaler>().OrderBy(scaler => scaler.Metadata.Name, StringComparer.Ordinal)
                .Select(scaler => (scaler.Metadata.Name, Assert.Single(scaler.Spec.Metrics, metric => metric.Type == "Pods").Pods.Metric.Name)));
    }

    [Fact]
    public void Clients_come_in_by_a_name_that_the_gateway_allows_and_streams_last()
    {
        var ingress = Assert.Single(manifests.Overlays["production"].OfType<V1Ingress>());
        var backend = Assert.Single(Assert.Single(ingress.Spec.Rules).Http.Paths).Backend.Service;
        AssertClients("production", backend.Name, port => port.Name == backend.Port.Name);
        Assert.Equal([ingress.Spec.Rules[0].Host], Hosts("production"));
        Assert.Equal(Hosts("production"), Assert.Single(ingress.Spec.Tls).Hosts);
        var nginx = ingress.Metadata.Annotations.Where(pair => pair.Key.StartsWith("nginx.ingress.kubernetes.io/", StringComparison.Ordinal)).ToDictionary(pair => pair.Key.Split('/')[1], pair => pair.Value);
        Assert.Equal("off", nginx["proxy-buffering"]);
        Assert.True(int.Parse(nginx["proxy-read-timeout"], CultureInfo.InvariantCulture) > 10 * new StreamingOptions().HeartbeatInterval.TotalSeconds);
        Assert.Equal(new LimitsOptions().MaxRequestBodyBytes, ByteSize.Parse(nginx["proxy-body-size"] + "B").Bytes);

        var route = Assert.Single(manifests.Overlays["production-crd"].OfType<HttpRoute>());
        var rule = Assert.Single(route.Spec.Rules);
        var reference = Assert.Single(rule.BackendRefs);
        AssertClients("production-crd", reference.Name, port => port.Port == reference.Port);
        Assert.Equal(route.Spec.Hostnames, Hosts("production-crd"));
        // 0s: none.
        Assert.Equal(("0s", "0s"), (rule.Timeouts?.Request, rule.Timeouts?.BackendRequest));

        void AssertClients(string overlay, string service, Predicate<V1ServicePort> chosen)
        {
            var found = Assert.Single(manifests.Overlays[overlay].OfType<V1Service>(), one => one.Metadata.Name == service);
            Assert.Equal("http", Assert.Single(found.Spec.Ports, chosen).TargetPort.Value);
            Assert.DoesNotContain(found.Spec.Ports, port => port.TargetPort.Value == "admin");
            Assert.Equal("gateway", found.Spec.Selector[Component]);
        }

        IEnumerable<string> Hosts(string overlay) => Settings(manifests.Overlays[overlay]).Where(pair => pair.Key.StartsWith("Hosts__Allowed", StringComparison.Ordinal)).Select(pair => pair.Value);
    }

    [Fact]
    public async Task Prometheus_finds_every_process_under_the_job_that_the_rules_expect()
    {
        var overlay = manifests.Overlays["production-crd"];
        var rules = await DocsFolder.ReadAsync("deploy/monitoring/rules/alerts.yml") + await DocsFolder.ReadAsync("deploy/monitoring/rules/recording.yml");
        var jobs = overlay.OfType<ServiceMonitor>().ToDictionary(
            monitor => Assert.Single(Assert.Single(monitor.Spec.Endpoints).Relabelings, relabeling => relabeling.TargetLabel == "job").Replacement!,
            monitor =>
            {
                var endpoint = monitor.Spec.Endpoints[0];
                Assert.Equal(("sseapp-metrics", "metrics_key"), (endpoint.Authorization?.Secret.Name, endpoint.Authorization?.Secret.Key));
                // A pod in two services of the monitor would be scraped twice.
                var service = Assert.Single(overlay.OfType<V1Service>(), service => monitor.Spec.Selector.MatchLabels.All(label => service.Metadata.Labels.TryGetValue(label.Key, out var value) && value == label.Value)
                    && service.Spec.Ports.Any(port => port.Name == endpoint.Port));
                return Assert.Single(Workload.Of(overlay), workload => workload.IsMeantBy(service.Spec.Selector)).Name;
            });

        Assert.Equal(Job().Matches(rules).Select(match => match.Groups["job"].Value).ToHashSet(), jobs.Keys.ToHashSet());
        Assert.Equal(("events", "gateway"), (jobs["sse-replica"], jobs["sse-gateway"]));
        // What deploy/monitoring/prometheus.kubernetes.yml looks for.
        Assert.All(overlay.OfType<V1Deployment>(), deployment =>
        {
            Assert.Equal("true", deployment.Spec.Template.Metadata.Annotations["sseapp.dev/scrape"]);
            Assert.Contains(deployment.Spec.Template.Metadata.Labels[Component], (string[])["gateway", "replica"]);
        });
    }

    [Fact]
    public async Task The_rules_of_Prometheus_are_resources_of_its_operator()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "The script is bash's.");
        var text = await Manifests.OutputAsync("bash", Path.Combine(DocsFolder.Root(), Manifests.Folder, "make-rules"), "release=prometheus");
        var rules = Manifests.Parse(text!).Cast<PrometheusRule>().ToArray();

        Assert.All(rules, rule => Assert.Equal("prometheus", rule.Metadata.Labels["release"]));
        var files = await DocsFolder.ReadAsync("deploy/monitoring/rules/alerts.yml") + await DocsFolder.ReadAsync("deploy/monitoring/rules/recording.yml");
        Assert.Equal(
            Rule().Matches(files).Select(match => match.Groups["name"].Value).Order(StringComparer.Ordinal),
            rules.SelectMany(rule => rule.Spec.Groups).SelectMany(group => group.Rules).Select(rule => rule.Alert ?? rule.Record!).Order(StringComparer.Ordinal));
    }

    /// <summary>The tests above mean nothing if what is read takes anything.</summary>
    [Theory]
    [InlineData("apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { selektor: {} }")]
    [InlineData("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: a }\nspec: { rules: [{ timeout: {} }] }")]
    [InlineData("apiVersion: v1\nkind: Servis\nmetadata: { name: a }")]
    public void What_Kubernetes_does_not_know_is_refused(string yaml) => Assert.ThrowsAny<Exception>(() => Manifests.Parse(yaml));

    private IEnumerable<Workload> Services() => manifests.Overlays.Values.SelectMany(Workload.Of).Where(workload => s_services.Contains(workload.Name));

    private V1Deployment Deployment(string name) => Assert.Single(manifests.Local.OfType<V1Deployment>(), deployment => deployment.Metadata.Name == name);

    private static IDictionary<string, string> Settings(IReadOnlyList<object> overlay) => Assert.Single(overlay.OfType<V1ConfigMap>(), map => map.Metadata.Name.StartsWith("sseapp-settings-", StringComparison.Ordinal)).Data;

    private static bool IsArchived(IReadOnlyList<object> overlay) => Settings(overlay).ContainsKey("Archive__Mode");

    private static IEnumerable<KeyValuePair<string, string?>> Pairs(IDictionary<string, string> settings) =>
        settings.Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value));

    private static T Bind<T>(string section, IDictionary<string, string> settings)
        where T : class, new() =>
        new ConfigurationBuilder().AddInMemoryCollection(Pairs(settings)).Build().GetSection(section).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new T();

    [GeneratedRegex("<ContainerUser>(?<user>[0-9]+)<", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex User();

    [GeneratedRegex(@"\b(?<name>[A-Z]\w+__\w+)=\w", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SecretFile();

    [GeneratedRegex("\\bjob=\"(?<job>sse-\\w+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Job();

    [GeneratedRegex(@"- (alert|record): (?<name>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rule();
}
