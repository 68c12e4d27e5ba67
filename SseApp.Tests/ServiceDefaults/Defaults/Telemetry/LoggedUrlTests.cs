using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.Tests.ServiceDefaults.Defaults.Telemetry;

public sealed class LoggedUrlTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("?", "?")]
    [InlineData("?topic=a&topic=b%2Fc&lastEventId=CQ_-x&limit=5", "?topic=a&topic=b%2Fc&lastEventId=CQ_-x&limit=5")]
    [InlineData("?topic=a&access_token=s3cret", "?topic=a&access_token=***")]
    [InlineData("?authorization=s3cret&jwt=s3cret&apikey=s3cret&password=s3cret&ticket=s3cret&sig=s3cret&key=s3cret", "?authorization=***&jwt=***&apikey=***&password=***&ticket=***&sig=***&key=***")]
    [InlineData("?TOKEN=s3cret&%74oken=s3cret&client_secret=s3cret&x-api-key=s3cret", "?TOKEN=***&%74oken=***&client_secret=***&x-api-key=***")]
    [InlineData("?Topic=a&TOPIC=b&t%6Fpic=c", "?Topic=a&TOPIC=b&t%6Fpic=c")]
    [InlineData("?s3cret", "?***")]
    [InlineData("?topic", "?topic")]
    [InlineData("?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s3cret==", "?***")]
    [InlineData("?s3cret?token==", "?***")]
    [InlineData("?=s3cret", "?***")]
    [InlineData("?topic=a;token=s3cret", "?topic=***")]
    [InlineData("?topic=a%26token%3Ds3cret", "?topic=***")]
    [InlineData("?topic=a?token=s3cret", "?topic=***")]
    [InlineData("?topic=a%253Btoken%253Ds3cret", "?topic=***")]
    [InlineData("?lastEventId=Bearer%20s3cret&event=Basic+s3cret", "?lastEventId=***&event=***")]
    [InlineData("?topic=a&&token=s3cret&", "?topic=a&&token=***&")]
    [InlineData("?page=2&shown=x&force=true", "?page=***&shown=x&force=***")]
    public void Only_what_is_known_to_be_no_secret_is_shown(string query, string logged) =>
        Assert.Equal(logged, LoggedUrl.Query(query, shown: ["shown"], hidden: ["force"]));

    [Theory]
    [InlineData("", "")]
    [InlineData("https://a.example/page", "https://a.example/page")]
    [InlineData("https://a.example/page?x=s3cret&topic=s3cret#s3cret", "https://a.example/page?***")]
    [InlineData("https://user:s3cret@a.example/page", "https://***@a.example/page")]
    [InlineData("https://user:s3cret@a.example", "https://***@a.example")]
    [InlineData("https://a.example/@x", "https://a.example/@x")]
    [InlineData("https://a.example?s3cret", "https://a.example?***")]
    [InlineData("//user:s3cret@a.example/page", "//***@a.example/page")]
    [InlineData("https://a.example/page;token=s3cret", "https://a.example/page;***")]
    [InlineData("https://a.example/page%3Ftoken=s3cret", "https://a.example/page%3F***")]
    [InlineData("https:/user:s3cret@a.example/", "***")]
    [InlineData("https:user:s3cret@a.example/", "***")]
    [InlineData("https:///user:s3cret@a.example/", "***")]
    [InlineData("https:\\\\user:s3cret@a.example\\p", "***")]
    [InlineData("\\\\user:s3cret@a.example/p", "***")]
    [InlineData("https://user:s3cret%40a.example/p", "https://***@a.example/p")]
    [InlineData("https%3A%2F%2Fuser:s3cret%40a.example/p", "***")]
    [InlineData("https://user%3As3cret@a.example/p", "https://***@a.example/p")]
    [InlineData("user:s3cret@a.example/p", "***")]
    [InlineData("user@a.example", "***")]
    [InlineData("x-app:user:s3cret@a.example", "***")]
    [InlineData("https://user:s3/cret@a.example/p", "***")]
    [InlineData("https://a:b@user:s3cret@a.example/p", "https://***@a.example/p")]
    [InlineData("https://a.example/https://user:s3cret@b.example/p", "https://a.example/https://***@b.example/p")]
    [InlineData("https://a.example/go/user:s3cret@b.example/p", "https://a.example/go/***@b.example/p")]
    [InlineData("https://a.example/go/user:s3cret%2540b.example/p", "https://a.example/go/***@b.example/p")]
    [InlineData("/page?next=https://user:s3cret@a.example", "/page?***")]
    public void Of_a_referer_nothing_of_the_query_is_shown(string referer, string logged) => Assert.Equal(logged, LoggedUrl.Referer(referer));

    [Theory]
    [InlineData("/topics/chat:u@x", "/topics/chat:u@x")]
    [InlineData("/proxy/https://u:s3cret@a.example/p", "/proxy/https://***@a.example/p")]
    [InlineData("//u:s3cret@a.example", "//***@a.example")]
    public void A_path_is_shown_without_the_user_of_a_URL_in_it(string path, string logged) => Assert.Equal(logged, LoggedUrl.Path(path));

    [Theory]
    [InlineData("Bot/1.0 (+https://u:s3cret@a.example)", "Bot/1.0 (+https://***@a.example)")]
    [InlineData("Bot/1.0 (+mailto:me@a.example; 50%)", "Bot/1.0 (+mailto:me@a.example; 50%)")]
    [InlineData("Hosts:Allowed is 'https:/u:s3cret@a'; write 'http://b'", "Hosts:Allowed is 'https:/***@a'; write 'http://b'")]
    [InlineData("redis:u:s3cret@a", "redis:***@a")]
    [InlineData("100 % of http://a.example/x", "100 % of http://a.example/x")]
    public void A_text_is_shown_without_the_user_of_a_URL_in_it(string text, string logged) => Assert.Equal(logged, UserInfo.Hide(text));

    [Theory]
    [InlineData("u:s3cret@a.example", "***")]
    [InlineData("u:s3cret%40a.example:80", "***")]
    [InlineData("https:/u:s3cret@a.example", "https:/***@a.example")]
    [InlineData("a.example:8080", "a.example:8080")]
    public void An_address_is_shown_without_its_user(string text, string logged) => Assert.Equal(logged, UserInfo.HideInAddress(text));

    [Fact]
    public void Spans_follow_the_same_rule()
    {
        using var span = new Activity("x");
        span.SetTag("url.query", "?topic=a&token=s3cret");
        span.SetTag("url.full", "http://u:s3cret@a:1/b?jwt=s3cret");
        span.SetTag("http.target", "/b?jwt=s3cret");
        span.SetTag("http.url", "http://a/b?s3cret");
        span.SetTag("url.path", "/b;token=s3cret");
        using var processor = new SpanUrls();

        processor.OnEnd(span);

        Assert.Equal("?topic=a&token=***", span.GetTagItem("url.query"));
        Assert.Equal("http://***@a:1/b?jwt=***", span.GetTagItem("url.full"));
        Assert.Equal("/b?jwt=***", span.GetTagItem("http.target"));
        Assert.Equal("http://a/b?***", span.GetTagItem("http.url"));
        Assert.Equal("/b;***", span.GetTagItem("url.path"));
    }
}
