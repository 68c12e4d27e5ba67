namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a dependant waits for.</summary>
public enum WaitType
{
    WaitUntilHealthy,
    WaitForCompletion,
    WaitUntilStarted,
}
