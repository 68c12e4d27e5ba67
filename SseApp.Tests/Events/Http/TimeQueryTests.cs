using Microsoft.Extensions.Primitives;
using SseApp.Events.Http;

namespace SseApp.Tests.Events.Http;

/// <summary>Times as programs write them: RFC 3339.</summary>
public sealed class TimeQueryTests
{
    [Theory]
    [InlineData("2026-11-28T09:00:00Z", "2026-11-28T09:00:00.0000000Z")]
    [InlineData("2026-11-28T09:00Z", "2026-11-28T09:00:00.0000000Z")]
    [InlineData("2026-11-28t10:00:00.5+01:00", "2026-11-28T09:00:00.5000000Z")]
    [InlineData("2026-11-28T09:00:00.123456789z", "2026-11-28T09:00:00.1234567Z")]
    [InlineData("2026-12-31T23:59:60Z", "2027-01-01T00:00:00.0000000Z")]
    [InlineData("2026-12-31T15:59:60.75-08:00", "2027-01-01T00:00:00.0000000Z")]
    [InlineData("2028-02-29T23:59:59Z", "2028-02-29T23:59:59.0000000Z")]
    public void What_RFC_3339_has_is_taken(string text, string expected)
    {
        Assert.True(TimeQuery.TryRead(Query(text), "from", out var moment));
        Assert.Equal(DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture), moment);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-28")]
    [InlineData("2026-11-28T09:00:00")]
    [InlineData("2026-11-28T09:00:00.Z")]
    [InlineData("2026-11-28T09:00:00+0100 ")]
    [InlineData("2026-02-29T09:00:00Z")]
    [InlineData("2026-11-28T24:00:00Z")]
    [InlineData("2026-11-28T09:00:60Z")]
    [InlineData("2026-11-28T09:00:61Z")]
    [InlineData("9999-12-31T23:59:60Z")]
    [InlineData("0001-01-01T00:00:00+01:00")]
    [InlineData("2026-11-28T09:00:00Z", "2026-11-28T09:00:00Z")]
    public void All_else_is_refused(params string[] texts) => Assert.False(TimeQuery.TryRead(Query(texts), "from", out _));

    [Fact]
    public void What_is_not_there_is_no_time() => Assert.True(TimeQuery.TryRead(Query(), "from", out var moment) && moment is null);

    private static QueryCollection Query(params string[] texts) =>
        new(texts.Length == 0 ? [] : new Dictionary<string, StringValues>(StringComparer.Ordinal) { ["from"] = texts });
}
