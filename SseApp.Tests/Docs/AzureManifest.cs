using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace SseApp.Tests.Docs;

/// <summary>What <c>azd</c> gets: the manifests that the AppHost writes, and the templates in its folder.</summary>
public sealed partial class AzureManifest : IAsyncLifetime
{
    public const string Templates = "SseApp.AppHost/infra";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("sseapp-manifest-").FullName;

    /// <summary>The resources with a Redis that is a container.</summary>
    internal JsonObject Resources { get; private set; } = [];

    /// <summary>The resources with <c>Backplane:Mode=External</c>, and with an archive.</summary>
    internal JsonObject External { get; private set; } = [];

    /// <summary>A template by its resource, unrendered: what stands in <c>{{ }}</c> stays. All values are text.</summary>
    internal static async Task<JsonNode> TemplateAsync(string resource)
    {
        var yaml = new DeserializerBuilder().Build().Deserialize<object>(await DocsFolder.ReadAsync($"{Templates}/{resource}.tmpl.yaml"));
        return JsonNode.Parse(new SerializerBuilder().JsonCompatible().Build().Serialize(yaml))!;
    }

    /// <summary>What <c>azd</c> (cli/azd/pkg/apphost, evalBindingRef) makes of a value of the manifest: an expression of its templates.</summary>
    internal string AsInTemplates(string value) => Expression().Replace(value, match =>
    {
        var (name, property) = (match.Groups["resource"].Value, match.Groups["property"].Value);
        var resource = Resources[name]!.AsObject();
        return (property.Split('.'), resource["type"]!.GetValue<string>()) switch
        {
            (["connectionString"], _) => AsInTemplates(resource["connectionString"]!.GetValue<string>()),
            (["value"], "parameter.v0") => $$$"""{{ securedParameter "{{{name.Replace('-', '_')}}}" }}""",
            // The port that the image names.
            (["bindings", _, "targetPort"], "project.v0") => "8080",
            (["bindings", "http", "host"], "project.v0") => $$$"""{{{name}}}.{{ .Env.AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN }}""",
            (["bindings", "tcp", "host"], "container.v0") => name,
            (["bindings", "tcp", "port"], "container.v0") => resource["bindings"]!["tcp"]!["targetPort"]!.ToString(),
            _ => throw new InvalidOperationException($"{match.Value} of the manifest is nothing that this test knows."),
        };
    });

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Repository.Root is null, "The tests do not run inside the repository, so its templates cannot be read.");
        Resources = await PublishAsync("container.json");
        External = await PublishAsync("external.json", "--Backplane:Mode=External", "--Archive:Mode=External");
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private async Task<JsonObject> PublishAsync(string name, params string[] arguments)
    {
        var file = Path.Combine(_folder, name);
        var start = new ProcessStartInfo("dotnet", [Repository.Assembly("SseApp.AppHost"), "--publisher", "manifest", "--output-path", file, .. arguments])
        {
            WorkingDirectory = Path.Combine(Repository.Root!, "SseApp.AppHost"),
        };
        // As the launch profile has it, with which azd starts it.
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        await using var appHost = ChildProcess.Start(start);
        await appHost.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(appHost.ExitCode == 0, appHost.Tail(100));
        return JsonNode.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))!["resources"]!.AsObject();
    }

    [GeneratedRegex(@"\{(?<resource>[a-z][\w-]*)\.(?<property>[\w.]+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Expression();
}
