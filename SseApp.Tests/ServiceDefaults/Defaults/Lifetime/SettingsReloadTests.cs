using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Hosting;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>Settings that are changed while a service runs, with real files and a real host.</summary>
public sealed class SettingsReloadTests : IAsyncLifetime
{
    private const string Good = """{ "Hosts": { "Allowed": [ "one.example" ] }, "Other": "old" }""";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-reload-");
    private readonly FakeTimeProvider _time = new();
    private WebApplication _app = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string First => Path.Combine(_folder.FullName, "first.json");

    private string Second => Path.Combine(_folder.FullName, "second.json");

    private string? Allowed => _app.Configuration["Hosts:Allowed:0"];

    private IEnumerable<string> Logs => _app.Services.GetFakeLogCollector().GetSnapshot().Select(record => record.Message);

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(First, Good, Cancellation);
        await File.WriteAllTextAsync(Second, """{ "Second": "0" }""", Cancellation);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddFakeLogging();
        builder.Configuration.AddJsonFile(First, optional: false, reloadOnChange: true);
        builder.Configuration.AddJsonFile(Second, optional: true, reloadOnChange: true);
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.AddServiceDefaults();
        _app = builder.Build();
        await _app.StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>Several files that may be there are looked for many times a second; <c>dotnet_exceptions_total</c> is for what went wrong.</summary>
    [Fact]
    public void A_file_that_is_not_there_is_no_exception()
    {
        var path = Path.Combine(_folder.FullName, "absent.json");
        var thrown = 0;
        EventHandler<FirstChanceExceptionEventArgs> count = (_, first) => thrown += (first.Exception as FileNotFoundException)?.FileName == path ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += count;
        try
        {
            Assert.Null(SettingsFile.Read(path));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= count;
        }

        Assert.Equal(0, thrown);
    }

    [Theory]
    [InlineData("{ \"Hosts\": { \"Allowed\": [ \"two.exam", "first.json is no JSON: ")]
    [InlineData("", "first.json is empty; write {} for no settings.")]
    [InlineData("[ 1 ]", "first.json cannot be read: Top-level JSON element must be an object")]
    [InlineData("{ \"Other\": \"a\", \"Other\": \"b\" }", "first.json cannot be read: A duplicate key 'Other'")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [ \"https://two.example/\" ] } }", "Hosts:Allowed")]
    [InlineData("{ \"Hots\": { \"Allowed\": [ \"two.example\" ] } }", "there is no section Hots; did you mean Hosts:Allowed:0?")]
    [InlineData("{ \"Hosts\": { \"Alowed\": [ \"two.example\" ] } }", "did you mean Hosts:Allowed?")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [] }, \"HeapCompaction\": { \"Enabled\": \"perhaps\" } }", "HeapCompaction:Enabled is 'perhaps'; it must be true or false.")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [] }, \"Logging\": { \"LogLevel\": { \"Default\": \"Loud\" } } }", "Logging:LogLevel:Default is 'Loud'")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [] }, \"Logging\": { \"Console\": { \"FormatterName\": \"jsn\" } } }", "Logging:Console:FormatterName is 'jsn'; it must be one of simple, systemd, json.")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [] }, \"Logging\": { \"Console\": { \"MaxQueueLength\": 0 } } }", "Logging")]
    [InlineData("{ \"Hosts\": { \"Allowed\": [] }, \"Kestrel\": { \"Endpoints\": { \"A\": { \"Url\": \"nowhere\" } } } }", "Kestrel:Endpoints:A:Url is 'nowhere'; ")]
    public async Task A_change_that_would_stop_a_start_is_told_once_and_changes_nothing_until_it_is_right(string text, string problem)
    {
        await File.WriteAllTextAsync(First, text, Cancellation);
        await LoggedAsync(problem);

        // What is told of one file must not come in with the change of another.
        await File.WriteAllTextAsync(Second, """{ "Second": "1" }""", Cancellation);
        await LoggedAsync(problem, times: 2);
        // Neither is in use, and the one that is wrong has not changed since.
        Assert.Contains(Logs, line => line.Contains($"The change of {First}, {Second} cannot be used", StringComparison.Ordinal));
        await LookAsync();
        Assert.Equal("one.example", Allowed);
        Assert.Equal("old", _app.Configuration["Other"]);
        Assert.Equal("0", _app.Configuration["Second"]);
        Assert.Equal(2, Logs.Count(line => line.Contains(problem, StringComparison.Ordinal)));

        await MoveAsync(First, """{ "Hosts": { "Allowed": [ "two.example" ] } }""");
        await UntilAsync(() => Allowed == "two.example" && _app.Configuration["Second"] == "1", "what is right to be taken");
        Assert.Null(_app.Configuration["Other"]);
    }

    [Fact]
    public async Task A_file_that_is_gone_leaves_what_it_had_and_the_others_go_on()
    {
        File.Delete(First);
        await LoggedAsync("first.json is gone.");
        await File.WriteAllTextAsync(Second, """{ "Second": "1" }""", Cancellation);
        await UntilAsync(() => _app.Configuration["Second"] == "1", "the other file");
        Assert.Equal("one.example", Allowed);
        Assert.Single(Logs, line => line.Contains("is gone", StringComparison.Ordinal));

        Directory.CreateDirectory(First);
        await LoggedAsync("first.json cannot be read: ");
        Assert.Equal("one.example", Allowed);
        Directory.Delete(First);
        await MoveAsync(First, Good);
        await LoggedAsync("again as they were");

        await MoveAsync(First, "{}");
        await UntilAsync(() => Allowed is null, "no settings to be taken, as somebody wrote them so");
    }

    [Fact]
    public async Task Settings_that_move_from_one_file_to_another_are_never_missing()
    {
        var missing = 0;
        using var watch = Microsoft.Extensions.Primitives.ChangeToken.OnChange(((IConfiguration)_app.Configuration).GetReloadToken, () => missing += Allowed is null ? 1 : 0);

        await MoveAsync(First, "{}");
        await MoveAsync(Second, """{ "Second": "1", "Hosts": { "Allowed": [ "one.example" ] } }""");
        await UntilAsync(() => _app.Configuration["Second"] == "1", "both files");

        Assert.Equal("one.example", Allowed);
        Assert.Equal(0, missing);
    }

    private static Task MoveAsync(string file, string text)
    {
        File.WriteAllText($"{file}.new", text);
        File.Move($"{file}.new", file, overwrite: true);
        return Task.CompletedTask;
    }

    private Task LoggedAsync(string text, int times = 1) => UntilAsync(() => Logs.Count(line => line.Contains(text, StringComparison.Ordinal)) >= times, $"'{text}' in the log: {string.Join(Environment.NewLine, Logs)}");

    // Two looks that see the same, and one more.
    private async Task LookAsync()
    {
        for (var i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }
    }

    private Task UntilAsync(Func<bool> condition, string what) => Eventually.Async(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            return condition();
        },
        s_limit,
        what);
}
