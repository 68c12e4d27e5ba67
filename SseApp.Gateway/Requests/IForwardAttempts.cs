namespace SseApp.Gateway.Requests;

/// <summary>A feature of a request that is being forwarded.</summary>
internal interface IForwardAttempts
{
    /// <summary>Some destination may have got the request, or a part of it.</summary>
    bool MayHaveArrived { get; }

    /// <summary>Whether another destination is asked if this one does not take the request.</summary>
    bool HasAnother(HttpContext context);
}
