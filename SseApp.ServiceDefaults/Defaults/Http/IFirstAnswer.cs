namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>A feature of a connection, for who wants to know when the service first says something on it.</summary>
internal interface IFirstAnswer
{
    /// <summary>It does; may be called again.</summary>
    void OnFirstAnswer();
}
