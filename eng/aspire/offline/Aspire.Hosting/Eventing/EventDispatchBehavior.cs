namespace Aspire.Hosting.Eventing;

/// <summary>How subscribers are called.</summary>
public enum EventDispatchBehavior
{
    BlockingSequential,
    BlockingConcurrent,
    NonBlockingSequential,
    NonBlockingConcurrent,
}
