using System.Text.RegularExpressions;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using YamlDotNet.Serialization;

namespace SseApp.Tests.Docs;

/// <summary><c>deploy/compose</c> says what the services say, and its page what it says.</summary>
public sealed partial class ComposeTests
{
    private static readonly string[] s_services = ["events", "gateway-1", "gateway-2"];

    [Fact]
    public async Task Every_setting_port_and_health_check_is_the_services_own_and_there_is_time_to_drain()
    {
        var services = (await ComposeFile.ReadAsync())["services"];
        var secure = new ComposeFile(new DeserializerBuilder().Build().Deserialize<object>(await DocsFolder.ReadAsync("deploy/compose/compose.tls.yml")))["services"];
        var known = ServiceImage.Settings();
        var port = await ServiceImage.PortAsync();
        Assert.All(s_services, name =>
        {
            var (service, program) = (services[name], name == "events" ? "SseApp.Events" : "SseApp.Gateway");
            string[] variables = [.. service["environment"].Keys, .. secure.Keys.Contains(name) ? secure[name]["environment"].Keys : []];
            // Files in /run/secrets with the names of settings.
            string[] secrets = [.. service["secrets"].Items.Where(secret => secret.Contains("__", StringComparison.Ordinal) && !secret.StartsWith("ConnectionStrings", StringComparison.Ordinal))];
            Assert.All(variables.Concat(secrets), setting => Assert.Contains(ServiceImage.SettingOf(setting), known));
            // A mounted file would stay the old one when 'keys add' puts another in its place.
            var keys = service["environment"]["Security__ApiKeyFile"].Text;
            Assert.EndsWith($"/keys:{Path.GetDirectoryName(keys)}:ro", new ComposeFile(Assert.Single(service["volumes"].Items)).Text, StringComparison.Ordinal);
            Assert.Equal(["CMD", $"/app/{program}", "--healthcheck"], service["healthcheck"]["test"].Items);
            var window = TimeSpan.Parse(service["environment"]["Drain__Window"].Text, CultureInfo.InvariantCulture);
            Assert.InRange(Seconds(service["stop_grace_period"].Text), (window + DrainOnStop.Grace).TotalSeconds + 5, 120);
            if (name != "events")
            {
                Assert.EndsWith($":{port}", new ComposeFile(Assert.Single(service["ports"].Items)).Text, StringComparison.Ordinal);
                // Beside it, or in its place.
                Assert.EndsWith(":8443", new ComposeFile(Assert.Single(secure[name]["ports"].Items)).Text, StringComparison.Ordinal);
            }
        });
        Assert.Contains("https://*:8443", new SseApp.Gateway.Tls.TlsOptions().Urls, StringComparison.Ordinal);
    }

    /// <summary>The files and scripts of PostgreSQL fit each other.</summary>
    [Fact]
    public async Task With_an_archive_the_replicas_alone_have_its_connection_string_and_it_has_a_volume()
    {
        var compose = await ComposeFile.ReadAsync();
        var archived = new ComposeFile(new DeserializerBuilder().Build().Deserialize<object>(await DocsFolder.ReadAsync("deploy/compose/compose.archive.yml")));
        var makeSecrets = await DocsFolder.ReadAsync("deploy/compose/make-secrets");
        var known = ServiceImage.Settings();

        Assert.Equal(["events"], archived["services"].Keys);
        var environment = archived["services"]["events"]["environment"];
        Assert.All(environment.Keys, setting => Assert.Contains(ServiceImage.SettingOf(setting), known));
        Assert.Equal("PostgreSQL", environment["Archive__Mode"].Text);
        Assert.Equal(new SseApp.Events.Archive.ArchiveOptions().Retention, TimeSpan.Parse(environment["Archive__Retention"].Text, CultureInfo.InvariantCulture));
        Assert.Equal(["ConnectionStrings__archive"], archived["services"]["events"]["secrets"].Items);
        Assert.EndsWith("/archive_connection", archived["secrets"]["ConnectionStrings__archive"]["file"].Text, StringComparison.Ordinal);
        Assert.Contains("Host=archive;Username=sseapp;Password=$(cat archive_password);Database=sseapp\" | once archive_connection", makeSecrets, StringComparison.Ordinal);

        var database = compose["services"]["archive"];
        Assert.Equal(["archive"], database["profiles"].Items);
        Assert.Equal(["archive_password"], database["secrets"].Items);
        Assert.EndsWith("/archive_password", compose["secrets"]["archive_password"]["file"].Text, StringComparison.Ordinal);
        Assert.Equal("/run/secrets/archive_password", database["environment"]["POSTGRES_PASSWORD_FILE"].Text);
        Assert.Contains("archive:/var/lib/postgresql/data", database["volumes"].Items);
        Assert.Contains("archive", compose["volumes"].Keys);
        Assert.Contains("CREATE ROLE sseapp LOGIN PASSWORD '$(cat /run/secrets/archive_password)'", await DocsFolder.ReadAsync("deploy/compose/archive/role.sh"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_variable_is_named_in_the_page()
    {
        var page = await DocsFolder.ReadAsync("docs/compose.md");
        var variables = Variable().Matches(await DocsFolder.ReadAsync("deploy/compose/compose.yml") + await DocsFolder.ReadAsync("deploy/compose/compose.tls.yml") + await DocsFolder.ReadAsync("deploy/compose/compose.archive.yml"))
            .Select(match => match.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);

        Assert.All(variables, variable => Assert.Contains(variable, page, StringComparison.Ordinal));
    }

    /// <summary>docker-compose 1.29 takes no name of a project in the file, so it is that of the folder.</summary>
    [Fact]
    public async Task The_network_that_the_page_names_is_the_projects()
    {
        var networks = Network().Matches(await DocsFolder.ReadAsync("docs/compose.md")).Select(match => match.Groups["name"].Value);

        Assert.DoesNotContain("name", new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(await DocsFolder.ReadAsync("deploy/compose/compose.yml")).Keys);
        Assert.Equal(["compose_default"], networks.Distinct());
    }

    private static double Seconds(string text) => double.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\$\{(?<name>\w+):-", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"--network (?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Network();
}
