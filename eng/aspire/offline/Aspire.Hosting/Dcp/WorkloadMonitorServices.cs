using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dcp;

/// <summary>What the monitor needs of the application's services.</summary>
internal sealed record WorkloadMonitorServices(
    ResourceNotificationService Notifications,
    ResourceLoggerService Logs,
    IDistributedApplicationEventing Eventing,
    ChildStates Children,
    IServiceProvider Provider,
    TimeProvider TimeProvider,
    ILogger<WorkloadMonitor> Logger);
