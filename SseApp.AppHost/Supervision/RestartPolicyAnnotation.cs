namespace SseApp.AppHost.Supervision;

/// <summary>Marks a resource as supervised.</summary>
internal sealed record RestartPolicyAnnotation(RestartPolicy Policy) : IResourceAnnotation;
