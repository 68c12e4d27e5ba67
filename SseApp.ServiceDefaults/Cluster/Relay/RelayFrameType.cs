namespace SseApp.ServiceDefaults.Cluster.Relay;

/// <summary>Types of frames; those below 16 go from gateway to replica, the others back.</summary>
internal enum RelayFrameType : byte
{
    /// <summary>Id, request target, headers: a stream begins, with an id that is not in use.</summary>
    Open = 1,

    /// <summary>Id: the client left, or the gateway stops. The replica answers with <see cref="End"/>; only then is the id free.</summary>
    Close = 2,

    /// <summary>Id: the client reads too slowly; what is sent from now on waits in the gateway.</summary>
    Blocked = 3,

    /// <summary>Id: the client has taken everything.</summary>
    Ready = 4,

    /// <summary>Nothing: the replica answers with <see cref="Pong"/>.</summary>
    Ping = 5,

    /// <summary>A 64 bit cost: that much of what the replica sent is done with.</summary>
    Done = 6,

    /// <summary>Id, request target, headers, body: a short request with an id that no other request has, answered by <see cref="Answer"/>.</summary>
    Request = 7,

    /// <summary>Id: nobody waits for the answer any more. It comes all the same; only then is the id free.</summary>
    Cancel = 8,

    /// <summary>Nothing: no <see cref="Request"/> follows. The answer to <see cref="Stopping"/>.</summary>
    Quiet = 9,

    /// <summary>Id, status, headers: the response begins.</summary>
    Head = 16,

    /// <summary>Length of the payload, the payload, and the ids of all streams that get it.</summary>
    Data = 17,

    /// <summary>Id, and whether the stream ended as it should (1) or was cut (0).</summary>
    End = 18,

    /// <summary>Nothing: the answer to <see cref="Ping"/>.</summary>
    Pong = 19,

    /// <summary>Id, status, headers, body: the whole answer to a <see cref="Request"/>.</summary>
    Answer = 20,

    /// <summary>Nothing: the replica stops, and what is asked from now on may be lost with the connection.</summary>
    Stopping = 21,
}
