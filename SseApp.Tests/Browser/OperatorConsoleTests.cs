using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>The operators' console in a real browser.</summary>
public sealed class OperatorConsoleTests : GatewayTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-console-");

    private string LogFile => Path.Combine(_folder.FullName, "access.log");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_takes_the_key_from_the_fragment_and_sends_it_in_a_header_alone(bool right)
    {
        await OriginAsync("r1");
        var gateway = await GatewayAsync(("AccessLog:Enabled", "true"), ("AccessLog:File", LogFile), ("AccessLog:Exclude", ""));
        var key = right ? OperatorAccess.Key.Text : new string('A', 43);
        await using var browser = Chromium.Open(new Uri(gateway.Admin.BaseAddress!, $"/#key={key}"));

        // One stream with the right key, and no second question with a wrong one.
        await Eventually.Async(
            async () => right
                ? (await gateway.Admin.GetFromJsonAsync<JsonElement>("/admin/state", Cancellation)).GetProperty("gateway").GetProperty("viewers").GetInt32() == 1
                : await CountAsync("/admin/state", 401) >= 1,
            s_limit,
            "the console to ask");
        Assert.Equal(right ? 0 : 1, await CountAsync("/admin/state", 401));
        Assert.DoesNotContain(key, await File.ReadAllTextAsync(LogFile, Cancellation), StringComparison.Ordinal);
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    private async Task<int> CountAsync(string path, int status) => File.Exists(LogFile)
        ? (await File.ReadAllLinesAsync(LogFile, Cancellation)).Count(line =>
            line.Contains($"\"path\":\"{path}\"", StringComparison.Ordinal) && line.Contains($"\"status\":{status}", StringComparison.Ordinal))
        : 0;
}
