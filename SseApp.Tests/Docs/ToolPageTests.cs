extern alias cli;

using System.Text.RegularExpressions;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using cli::SseApp.Cli;
using cli::SseApp.Cli.Commands;
using SseApp.AppHost.Operations;

namespace SseApp.Tests.Docs;

/// <summary>What the pages tell people to type exists: the commands of <c>sse</c>, and those of <c>aspire resource</c>.</summary>
public sealed partial class ToolPageTests
{
    private static readonly string[] s_builtIn = [KnownResourceCommands.StartCommand, KnownResourceCommands.StopCommand, KnownResourceCommands.RestartCommand];

    [Fact]
    public async Task The_page_of_the_tool_has_its_commands_options_and_exit_codes()
    {
        var page = await DocsFolder.ReadAsync("docs/sse-tool.md");
        var root = SseTool.Root(new Shared(new ToolHost { Input = Stream.Null, Output = TextWriter.Null, Error = TextWriter.Null, Variable = _ => null }));

        Assert.Equal(
            root.Subcommands.Select(command => command.Name).Order(StringComparer.Ordinal),
            Typed().Matches(page[..page.IndexOf("\n## ", StringComparison.Ordinal)]).Select(match => match.Groups["command"].Value).Distinct().Order(StringComparer.Ordinal));
        Assert.All(
            root.Subcommands.SelectMany(command => command.Options).Where(option => option.Name != "--help").Select(option => option.Name),
            option => Assert.Contains(option, page, StringComparison.Ordinal));
        Assert.Equal(
            typeof(ExitCode).GetFields().Select(field => (int)field.GetRawConstantValue()!).Order(),
            Code().Matches(page).Select(match => int.Parse(match.Groups["code"].Value, CultureInfo.InvariantCulture)).Order());
        foreach (var other in DocsFolder.Pages().Where(other => !other.Contains("/decisions/", StringComparison.Ordinal)))
        {
            Assert.All(
                Typed().Matches(await DocsFolder.ReadAsync(other)).Select(match => match.Groups["command"].Value),
                command => Assert.Contains(command, root.Subcommands.Select(known => known.Name)));
        }
    }

    [Fact]
    public async Task Every_aspire_command_that_a_page_names_is_one_of_its_resource()
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true, Args = [] });
        var events = builder.AddProject("events", Path.Combine(Repository.Root!, "SseApp.Events", "SseApp.Events.csproj"));
        var gateway = builder.AddProject("gateway", Path.Combine(Repository.Root!, "SseApp.Gateway", "SseApp.Gateway.csproj"));
        using var listeners = new OperatorListeners(OperatorAccess.Key.File);
        events.WithOperatorCommands(gateway, listeners);
        var known = new Dictionary<string, ResourceCommandAnnotation[]>(StringComparer.Ordinal)
        {
            ["gateway"] = [.. gateway.Resource.Annotations.OfType<ResourceCommandAnnotation>()],
            ["events"] = [.. events.Resource.Annotations.OfType<ResourceCommandAnnotation>()],
        };

        // What people type, and scripts: these names stay.
        foreach (var commands in known.Values)
        {
            Assert.Superset(new HashSet<string>(["drain", "reload", "undrain"]), commands.Select(command => command.Name).ToHashSet());
        }

        Assert.All(known["gateway"].Where(command => command.Name is "drain" or "undrain"), command => Assert.Equal("replica", Assert.Single(command.Arguments).Name));

        var named = new List<string>();
        foreach (var page in DocsFolder.Pages().Where(page => !page.Contains("/decisions/", StringComparison.Ordinal)))
        {
            foreach (Match match in Resource().Matches(await DocsFolder.ReadAsync(page)))
            {
                var commands = known[match.Groups["resource"].Value == "gateway" ? "gateway" : "events"];
                Assert.Contains(match.Groups["command"].Value, commands.Select(command => command.Name).Concat(s_builtIn));
                named.Add($"{page} {match.Groups["command"].Value}");
            }
        }

        Assert.Superset(new HashSet<string>(["docs/from-pm2.md reload", "docs/from-pm2.md restart", "docs/from-pm2.md stop", "docs/from-pm2.md drain"]), named.ToHashSet());
    }

    [GeneratedRegex(@"(`|^    )sse (?<command>[a-z]+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Typed();

    [GeneratedRegex(@"^\| (?<code>\d+) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"aspire resource (?<resource>[\w<>-]+) (?<command>[a-z]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Resource();
}
