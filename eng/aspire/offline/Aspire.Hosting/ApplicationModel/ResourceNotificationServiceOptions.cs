namespace Aspire.Hosting.ApplicationModel;

/// <summary>Defaults for waiting.</summary>
public sealed class ResourceNotificationServiceOptions
{
    public WaitBehavior DefaultWaitBehavior { get; set; }
}
