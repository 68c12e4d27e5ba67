using System.Reflection;

namespace SseApp.AppHost.Startup;

internal static class StartupFailure
{
    private const int ExitCode = 1;

    /// <summary>Makes an AppHost that cannot start end with a message and exit code 1, where the runtime would print a stack trace and abort.</summary>
    public static void EndsWithAMessage()
    {
        // In a test's process it is the test that gets the exception.
        if (Assembly.GetEntryAssembly() == typeof(StartupFailure).Assembly)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, failure) => End((Exception)failure.ExceptionObject);
        }
    }

    private static void End(Exception exception)
    {
        var causes = exception is AggregateException all ? [.. all.Flatten().InnerExceptions] : (Exception[])[exception];
        foreach (var cause in causes)
        {
            // The last line is the message; where it comes from matters only when nobody foresaw it.
            Console.Error.WriteLine(cause is DistributedApplicationException || IsWithoutCertificate(cause) ? "The cluster cannot start." : $"The cluster cannot start. {cause}");
        }

        Console.Error.WriteLine(string.Join(Environment.NewLine, causes.Select(Explain)));
        Environment.Exit(ExitCode);
    }

    private static string Explain(Exception cause) => IsWithoutCertificate(cause)
        ? $"The dashboard's addresses are for HTTPS ({string.Join(", ", DashboardAddresses.All.Select(each => each.Variable))}), and this machine has no developer certificate that is valid: "
            + $"take these variables away, name http:// addresses and set {DashboardAddresses.PlainHttp}=true, or make a certificate with 'dotnet dev-certs https'."
        : cause.Message;

    // Of the server; its message names the command.
    private static bool IsWithoutCertificate(Exception cause) => cause is InvalidOperationException && cause.Message.Contains("dotnet dev-certs https", StringComparison.Ordinal);
}
