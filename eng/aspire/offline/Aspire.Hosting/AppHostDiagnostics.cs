using System.Diagnostics;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Announces the steps of building an application, so that the testing package can take part in them.</summary>
internal static class AppHostDiagnostics
{
    internal const string ListenerName = "Aspire.Hosting";
    internal const string BuilderConstructingEvent = "DistributedApplicationBuilderConstructing";
    internal const string BuilderConstructedEvent = "DistributedApplicationBuilderConstructed";
    internal const string BuildingEvent = "DistributedApplicationBuilding";
    internal const string BuiltEvent = "DistributedApplicationBuilt";

    private static readonly DiagnosticListener s_listener = new(ListenerName);

    public static void BuilderConstructing(DistributedApplicationOptions options, HostApplicationBuilderSettings settings)
        => Write(BuilderConstructingEvent, (options, settings));

    public static void BuilderConstructed(DistributedApplicationBuilder builder) => Write(BuilderConstructedEvent, builder);

    public static void Building(DistributedApplicationBuilder builder) => Write(BuildingEvent, builder);

    public static void Built(DistributedApplication application) => Write(BuiltEvent, application);

    private static void Write(string name, object value)
    {
        if (s_listener.IsEnabled(name))
        {
            s_listener.Write(name, value);
        }
    }
}
