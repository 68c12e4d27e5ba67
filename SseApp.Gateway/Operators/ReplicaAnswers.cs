namespace SseApp.Gateway.Operators;

/// <summary>What the replicas answered, and the ids of those that did not.</summary>
internal sealed record ReplicaAnswers<T>(IReadOnlyList<T> Answers, string[] Unreachable);
