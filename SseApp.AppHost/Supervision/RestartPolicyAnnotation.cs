namespace SseApp.AppHost.Supervision;

/// <summary>Marks a resource as supervised.</summary>
/// <param name="Policy">When it is restarted.</param>
/// <param name="Question">How a server that speaks no HTTP is asked whether it lives.</param>
internal sealed record RestartPolicyAnnotation(RestartPolicy Policy, ServerQuestion? Question = null) : IResourceAnnotation;
