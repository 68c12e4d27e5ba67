namespace SseApp.AppHost.Backplane;

/// <summary>Where the cluster's Redis comes from.</summary>
internal enum BackplaneMode
{
    /// <summary>A container when a container runtime answers and has, or gets, the image; otherwise Garnet.</summary>
    Auto,

    /// <summary>The official Redis image.</summary>
    Container,

    /// <summary>Garnet as a child process: no container runtime, no root.</summary>
    Garnet,

    /// <summary>The server named by <c>ConnectionStrings:redis</c>.</summary>
    External,
}
