using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

internal static partial class DashboardLog
{
    [LoggerMessage(1, LogLevel.Information, "Now listening on: {DashboardUrl}")]
    public static partial void NowListening(ILogger logger, string dashboardUrl);

    // Tools wait for these words to open the browser.
    [LoggerMessage(2, LogLevel.Information, "Login to the dashboard at {LoginUrl}")]
    public static partial void Login(ILogger logger, string loginUrl);

    [LoggerMessage(3, LogLevel.Error, "The dashboard did not answer at {DashboardUrl} within {Seconds} s. Look at the console log of its resource: ASPIRE_SHOW_DASHBOARD_RESOURCES=true lists it.")]
    public static partial void NoAnswer(ILogger logger, string dashboardUrl, double seconds);
}
