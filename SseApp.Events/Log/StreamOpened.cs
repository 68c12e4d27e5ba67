namespace SseApp.Events.Log;

/// <summary>Data of <c>stream.open</c>. <paramref name="Resumed"/> says whether the stream continues where the client's position was.</summary>
internal sealed record StreamOpened(string Connection, string Replica, string[] Topics, bool Resumed);
