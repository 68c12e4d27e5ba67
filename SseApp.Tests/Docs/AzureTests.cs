using System.Text.Json.Nodes;
using k8s.Models;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.Docs;

/// <summary>The manifest of the AppHost and the templates of Container Apps say what <c>deploy/compose</c> and <c>deploy/k8s</c> say.</summary>
public sealed class AzureTests(AzureManifest azure, Manifests kubernetes) : IClassFixture<AzureManifest>, IClassFixture<Manifests>
{
    /// <summary>Settings that are here and not in compose and Kubernetes, or the other way round, or have another value; and why.</summary>
    private static readonly Dictionary<string, string> s_differences = new(StringComparer.Ordinal)
    {
        ["Admin__Urls"] = "Operators come by 'az containerapp exec' into the container, where the default, its loopback, is; there is no network of the cluster's own.",
        ["Security__ApiKeyFile"] = "No file of keys: the manifest has an issuer with a generated key, and 'token' makes tokens with it.",
        ["Security__Issuers__0__Issuer"] = "The same.",
        ["Security__Issuers__0__Audience"] = "The same.",
        ["MemoryGuard__Limit"] = "The platform gives 1 GiB to half a core, and nothing less.",
        ["Hosts__Allowed__0"] = "One's own name; in Kubernetes the overlay has it.",
        ["Hosts__Allowed__99"] = "The platform makes up the name of the ingress.",
        ["Proxies__Known__0"] = "The platform's proxies; in Kubernetes the overlay has them, in compose nobody stands in front.",
        ["Archive__Mode"] = "On by AZURE_ARCHIVE; in Kubernetes by an overlay, in compose by a second file.",
        ["HTTP_PORTS"] = "Aspire names the port, which the image has anyway.",
        ["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "Aspire's, for telemetry that the platform's dashboard takes.",
    };

    /// <summary>Variables that the manifest has and the templates leave out; and why.</summary>
    private static readonly Dictionary<string, string> s_leftOut = new(StringComparer.Ordinal)
    {
        ["REDIS_HOST"] = "For programs that read no connection string.",
        ["REDIS_PORT"] = "The same.",
        ["REDIS_PASSWORD"] = "The same, and a secret more.",
        ["REDIS_URI"] = "The same, and a secret more.",
    };

    private static readonly string[] s_services = ["events", "gateway"];

    [Fact]
    public async Task The_manifest_has_images_parameters_for_secrets_and_a_redis_and_nothing_of_Development()
    {
        Assert.All(new[] { azure.Resources, azure.External }, resources =>
        {
            foreach (var service in s_services)
            {
                var project = resources[service]!;
                // azd makes its image by 'dotnet publish -t:PublishContainer'.
                Assert.Equal("project.v0", Text(project["type"]));
                Assert.EndsWith($"SseApp.{char.ToUpperInvariant(service[0])}{service[1..]}.csproj", Text(project["path"]), StringComparison.Ordinal);
                Assert.Equal(service == "gateway", project["bindings"]!["http"]!["external"]?.GetValue<bool>() ?? false);
                var variables = project["env"]!.AsObject();
                Assert.Equal("{gateway-key.value}", Text(variables["Security__GatewayKey"]));
                // Closed, and with somebody who can make tokens.
                Assert.Equal("{token-key.value}", Text(variables["Security__Issuers__0__Key"]));
                // Whose headers count is for Proxies:Known to say.
                Assert.DoesNotContain(variables, variable => variable.Key.Contains("FORWARDEDHEADERS", StringComparison.OrdinalIgnoreCase)
                    || variable.Key.EndsWith("_ENVIRONMENT", StringComparison.Ordinal)
                    || Text(variable.Value).Contains("Development", StringComparison.OrdinalIgnoreCase)
                    || variable.Key.Contains("AllowAnonymous", StringComparison.OrdinalIgnoreCase));
            }

            // Nothing that azd asks for would be shown, or be in a log.
            Assert.All(resources.Where(resource => Text(resource.Value!["type"]) == "parameter.v0"), parameter =>
                Assert.True(parameter.Value!["inputs"]!["value"]!["secret"]!.GetValue<bool>(), parameter.Key));
            Assert.Equal(43, resources["gateway-key"]!["inputs"]!["value"]!["default"]!["generate"]!["minLength"]!.GetValue<int>());
        });
        Assert.Equal("parameter.v0", Text(azure.External["redis"]!["type"]));
        // Without an archive nothing speaks of one.
        Assert.DoesNotContain("archive", azure.Resources.ToJsonString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("parameter.v0", Text(azure.External["archive"]!["type"]));
        Assert.DoesNotContain(azure.External["gateway"]!["env"]!.AsObject(), variable => variable.Key.Contains("archive", StringComparison.OrdinalIgnoreCase));
        var redis = azure.Resources["redis"]!;
        Assert.Equal("container.v0", Text(redis["type"]));
        Assert.Contains("password={redis-password.value}", Text(redis["connectionString"]), StringComparison.Ordinal);
        Assert.Equal("/data", Text(Assert.Single(redis["volumes"]!.AsArray())!["target"]));
        var settings = await DocsFolder.ReadAsync("deploy/compose/redis/redis.conf");
        var command = Text(redis["args"]![1]);
        Assert.StartsWith("redis-server --requirepass $REDIS_PASSWORD ", command, StringComparison.Ordinal);
        foreach (var bound in new[] { "maxmemory", "maxmemory-policy" })
        {
            var value = settings.Split('\n').Single(line => line.StartsWith($"{bound} ", StringComparison.Ordinal));
            Assert.Contains($" --{value}", command, StringComparison.Ordinal);
        }
    }

    /// <summary>Where there is a template azd does not look at the manifest's variables, so one that is added there would be lost.</summary>
    [Fact]
    public async Task Each_template_has_what_the_manifest_has()
    {
        string[] resources = [.. azure.Resources.Where(resource => Text(resource.Value!["type"]) is "project.v0" or "container.v0").Select(resource => resource.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(resources, Directory.GetFiles(Path.Combine(DocsFolder.Root(), AzureManifest.Templates)).Select(file => Path.GetFileName(file).Replace(".tmpl.yaml", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        foreach (var resource in resources)
        {
            var template = await AzureManifest.TemplateAsync(resource);
            var variables = Variables(template);
            foreach (var (name, value) in azure.Resources[resource]!["env"]!.AsObject())
            {
                if (resource != "redis" && s_leftOut.ContainsKey(name))
                {
                    Assert.DoesNotContain(name, variables.Keys);
                    continue;
                }

                var expected = azure.AsInTemplates(Text(value));
                if (name == "ConnectionStrings__redis")
                {
                    // Or the one that is given, as azd looks up the parameter 'redis' of the other manifest.
                    expected = $$$"""{{ with index .Env "AZURE_REDIS" }}{{ . }}{{ else }}{{{expected}}}{{ end }}""";
                    Assert.Equal("{redis.value}", Text(azure.External["redis"]!["connectionString"]));
                }

                Assert.Equal((resource, name, expected), (resource, name, variables[name].Value));
                // A secret is in the app's secrets, and no variable has its text.
                Assert.Equal((name, expected.Contains("securedParameter", StringComparison.Ordinal)), (name, variables[name].IsSecret));
            }

            Assert.Equal(resource, Text(template["tags"]!["azd-service-name"]));
            Assert.Equal("{{ .Image }}", Text(Container(template)["image"]));
        }

        // What the manifest has with an archive the template has by AZURE_ARCHIVE, as azd looks up the parameter 'archive'.
        var archive = azure.External["events"]!["env"]!.AsObject().Where(variable => variable.Key.Contains("archive", StringComparison.OrdinalIgnoreCase)).ToDictionary(variable => variable.Key, variable => Text(variable.Value), StringComparer.Ordinal);
        Assert.Equal(new Dictionary<string, string>(StringComparer.Ordinal) { ["Archive__Mode"] = "PostgreSQL", ["ConnectionStrings__archive"] = "{archive.connectionString}" }, archive);
        var replica = Variables(await AzureManifest.TemplateAsync("events"));
        Assert.Equal(("""{{ with index .Env "AZURE_ARCHIVE" }}PostgreSQL{{ else }}None{{ end }}""", false), replica["Archive__Mode"]);
        Assert.Equal(("""{{ with index .Env "AZURE_ARCHIVE" }}{{ . }}{{ else }}none{{ end }}""", true), replica["ConnectionStrings__archive"]);

        var redis = Container(await AzureManifest.TemplateAsync("redis"));
        Assert.Equal(azure.Resources["redis"]!["args"]!.AsArray().Select(Text), redis["args"]!.AsArray().Select(Text));
        Assert.Equal(Text(azure.Resources["redis"]!["entrypoint"]), Text(Assert.Single(redis["command"]!.AsArray())));
        var volume = azure.Resources["redis"]!["volumes"]![0]!;
        Assert.Equal(Text(volume["target"]), Text(redis["volumeMounts"]![0]!["mountPath"]));
        var storage = Text((await AzureManifest.TemplateAsync("redis"))["properties"]!["template"]!["volumes"]![0]!["storageName"]);
        Assert.Equal($$$"""{{ .Env.SERVICE_REDIS_VOLUME_{{{Text(volume["name"]).Replace("-", "", StringComparison.Ordinal).ToUpperInvariant()}}}_NAME }}""", storage);
        Assert.Contains("project: ./SseApp.AppHost/SseApp.AppHost.csproj", await DocsFolder.ReadAsync("azure.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ports_settings_probes_counts_and_grace_periods_are_those_of_compose_and_Kubernetes()
    {
        var compose = (await ComposeFile.ReadAsync())["services"];
        var map = Assert.Single(kubernetes.Local.OfType<V1ConfigMap>(), map => map.Data.ContainsKey("Drain__Window")).Data;
        var known = ServiceImage.Settings();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var service in s_services)
        {
            var template = await AzureManifest.TemplateAsync(service);
            var (container, properties) = (Container(template), template["properties"]!);
            var workload = Assert.Single(Workload.Of(kubernetes.Local), workload => workload.Name == service);
            var same = compose[service == "gateway" ? "gateway-1" : service];

            // Ports.
            var ingress = properties["configuration"]!["ingress"]!;
            Assert.Equal(workload.Port("http").ToString(CultureInfo.InvariantCulture), Text(ingress["targetPort"]));
            Assert.Equal((service == "gateway" ? "true" : "false", service == "gateway" ? "false" : "true"), (Text(ingress["external"]), Text(ingress["allowInsecure"])));
            Assert.Equal("none", Text(ingress["stickySessions"]!["affinity"]));
            Assert.Equal("8080", azure.AsInTemplates(Text(azure.Resources[service]!["env"]!["HTTP_PORTS"])));

            // Settings; the secrets of both have the same names.
            var variables = Variables(template);
            Assert.Subset(variables.Where(variable => variable.Value.IsSecret).Select(variable => variable.Key).ToHashSet(), ((string[])["Security__GatewayKey", "ConnectionStrings__redis", .. service == "events" ? ["ConnectionStrings__archive"] : Array.Empty<string>()]).ToHashSet());
            foreach (var name in variables.Where(variable => !variable.Value.IsSecret).Select(variable => variable.Key).Union(map.Keys, StringComparer.Ordinal))
            {
                if (!variables.TryGetValue(name, out var variable) || !map.TryGetValue(name, out var value) || variable.Value != value)
                {
                    Assert.True(s_differences.ContainsKey(name), $"{name} of {service} is not what deploy/k8s has, and s_differences does not say why.");
                    used.Add(name);
                }
            }

            Assert.All(variables.Keys.Where(name => name.Contains("__", StringComparison.Ordinal) && !name.StartsWith("ConnectionStrings", StringComparison.Ordinal)), name =>
                Assert.Contains(ServiceImage.SettingOf(name), known));

            // Probes: the same questions with the same patience. The platform allows ten failures, so the one at the start asks less often.
            AssertProbe("Startup", workload.Container.StartupProbe, exact: false);
            AssertProbe("Liveness", workload.Container.LivenessProbe, exact: true);
            AssertProbe("Readiness", workload.Container.ReadinessProbe, exact: true);

            // Counts.
            var scale = properties["template"]!["scale"]!;
            var scaler = Assert.Single(kubernetes.Overlays["production"].OfType<V2HorizontalPodAutoscaler>(), scaler => scaler.Metadata.Name == service);
            var replicas = service == "gateway"
                ? compose.Keys.Count(key => key.StartsWith("gateway-", StringComparison.Ordinal))
                : int.Parse(compose[service]["deploy"]["replicas"].Text, CultureInfo.InvariantCulture);
            Assert.Equal((replicas, scaler.Spec.MinReplicas, scaler.Spec.MaxReplicas), (Int(scale["minReplicas"]), Int(scale["minReplicas"]), Int(scale["maxReplicas"])));
            var rules = scale["rules"]!.AsArray().Select(rule => rule!).ToArray();
            var cpu = Assert.Single(scaler.Spec.Metrics, metric => metric.Resource?.Name == "cpu").Resource.Target.AverageUtilization;
            Assert.Equal(cpu, Int(Assert.Single(rules, rule => Text(rule["custom"]?["type"]) == "cpu")["custom"]!["metadata"]!["value"]));
            // What comes past the ingress its rule would not see.
            Assert.Equal(service == "gateway", rules.Any(rule => Int(rule["http"]?["metadata"]?["concurrentRequests"]) > 0));

            // Time to drain.
            var window = TimeSpan.Parse(variables["Drain__Window"].Value, CultureInfo.InvariantCulture);
            var grace = Int(properties["template"]!["terminationGracePeriodSeconds"]);
            Assert.Equal(workload.Pod.TerminationGracePeriodSeconds, grace);
            Assert.InRange(grace, (window + DrainOnStop.Grace).TotalSeconds + 5, 600);

            // Limits.
            Assert.Equal(same["cpus"].Text, Text(container["resources"]!["cpu"]));
            var memory = ByteSize.Parse(Text(container["resources"]!["memory"]).Replace("Gi", "GB", StringComparison.Ordinal)).Bytes;
            Assert.InRange(ByteSize.Parse(variables["MemoryGuard__Limit"].Value).Bytes, memory / 2, memory * 9 / 10);

            void AssertProbe(string type, V1Probe expected, bool exact)
            {
                var probe = Assert.Single(container["probes"]!.AsArray(), probe => Text(probe!["type"]) == type)!;
                Assert.Equal((expected.HttpGet.Path, workload.Port("http")), (Text(probe["httpGet"]!["path"]), Int(probe["httpGet"]!["port"])));
                Assert.Equal(expected.TimeoutSeconds, Int(probe["timeoutSeconds"]));
                Assert.InRange(Int(probe["failureThreshold"]), 1, 10);
                Assert.Equal(expected.PeriodSeconds * expected.FailureThreshold, Int(probe["periodSeconds"]) * Int(probe["failureThreshold"]));
                Assert.True(!exact || expected.PeriodSeconds == Int(probe["periodSeconds"]), type);
            }
        }

        Assert.Equal(s_differences.Keys.Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        // Two of it would be two clusters.
        var redis = (await AzureManifest.TemplateAsync("redis"))["properties"]!["template"]!;
        Assert.Equal((1, 1), (Int(redis["scale"]!["minReplicas"]), Int(redis["scale"]!["maxReplicas"])));
        Assert.Equal(Workload.Of(kubernetes.Local).Single(workload => workload.Name == "redis").Pod.TerminationGracePeriodSeconds, Int(redis["terminationGracePeriodSeconds"]));
    }

    private static JsonNode Container(JsonNode template) => Assert.Single(template["properties"]!["template"]!["containers"]!.AsArray())!;

    /// <summary>By name: the text, if need be that of the secret, and whether it is one.</summary>
    private static Dictionary<string, (string Value, bool IsSecret)> Variables(JsonNode template)
    {
        var secrets = template["properties"]!["configuration"]!["secrets"]!.AsArray().ToDictionary(secret => Text(secret!["name"]), secret => Text(secret!["value"]), StringComparer.Ordinal);
        return Container(template)["env"]!.AsArray().ToDictionary(
            variable => Text(variable!["name"]),
            variable => variable!["secretRef"] is { } reference ? (secrets[Text(reference)], true) : (Text(variable["value"]), false),
            StringComparer.Ordinal);
    }

    private static string Text(JsonNode? node) => node?.ToString() ?? "";

    private static int Int(JsonNode? node) => node is null ? 0 : int.Parse(node.ToString(), CultureInfo.InvariantCulture);
}
