namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a waiting resource does when its dependency fails.</summary>
public enum WaitBehavior
{
    /// <summary>Goes on waiting: somebody may restart the dependency.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Fails to start.</summary>
    StopOnResourceUnavailable,
}
