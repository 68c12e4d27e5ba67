using Microsoft.AspNetCore.Http.Features;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Tests.ServiceDefaults.Cluster.Operators;

public sealed class OperatorSignatureTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly OperatorSignature _signature;

    public OperatorSignatureTests() => _signature = new OperatorSignature(new FixedOperatorKey(), _time);

    [Theory]
    [InlineData("POST", "/admin/topics/a%2Fb/disconnect", true)]
    [InlineData("DELETE", "/admin/topics/a%2Fb/disconnect", false)]
    [InlineData("POST", "/admin/topics/a/b/disconnect", false)]
    [InlineData("POST", "/admin/topics/c/disconnect", false)]
    public async Task A_signature_is_good_for_one_method_and_path(string method, string path, bool expected) =>
        Assert.Equal(expected, await VerifyAsync(method, path + "?permanent=true", await SignAsync()));

    [Fact]
    public async Task A_signature_is_good_for_a_minute()
    {
        var header = await SignAsync();
        _time.Advance(OperatorSignature.Lifetime);
        Assert.True(await VerifyAsync("POST", "/admin/topics/a%2Fb/disconnect", header));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await VerifyAsync("POST", "/admin/topics/a%2Fb/disconnect", header));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("1577836800.")]
    [InlineData("99999999999999999999.00")]
    [InlineData("-1.00")]
    public async Task What_is_no_signature_is_none(string header) =>
        Assert.False(await VerifyAsync("POST", "/admin/topics/a%2Fb/disconnect", header));

    private async Task<string> SignAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://r1.test/admin/topics/a%2Fb/disconnect?permanent=true");
        await _signature.SignAsync(request, TestContext.Current.CancellationToken);
        return request.Headers.GetValues(OperatorSignature.Header).Single();
    }

    private async Task<bool> VerifyAsync(string method, string target, string header)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
        context.Request.Headers[OperatorSignature.Header] = header;
        return await _signature.VerifyAsync(context);
    }
}
