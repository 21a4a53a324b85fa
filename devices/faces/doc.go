// Package faces is the dialects in which devices speak: a face turns a message that a
// device hears into commands of its model, and what there is to say into topics and
// payloads. It knows no network, no clock, no randomness and no goroutine of its own,
// and nothing of MQTT but topics, payloads, QoS and Retain.
//
// # Rules for a face
//
//   - A face is an entry of the table in [All] and a file or two of its own. Nobody
//     else spells one of its topics: whoever wants to know one asks its [Voice].
//   - A [Voice] is a face made up for the devices of one group. It does not change, and
//     may be used from any goroutine; what differs from device to device comes with
//     each call, in a [Talk]. What a face must remember of a device stands in its
//     [Member.Memory], of a type of the face's own; a face that needs none leaves it nil.
//   - [Voice.Hear] carries out what a message asks for, command by command, with
//     [Talk.Do], and says what its product would say with [Talk.Say]. [Voice.Tell] says
//     what comes about otherwise, by its [Occasion].
//   - Topics and payloads are appended to the buffers of [Talk.Message], which each
//     call empties; whoever says something must be done with it when Say returns.
//   - What a dialect says by itself is always said on its own topic. [Message.Reply]
//     says what of it is an answer, and so goes to the Response Topic of a request as
//     well ([Also]), in its place ([Instead]) or only there ([Only]). MQTT's own rules
//     hold for all faces and stand with the session that speaks: which Response Topics
//     are refused, Correlation Data byte for byte, QoS, nothing retained there.
//   - Later is said later: [Talk.Later] has Tell called again with an occasion. Nothing
//     said then answers a request.
//   - A session speaks for its members: one device, or all devices of a home behind a
//     bridge. Most faces know only [Talk.Me].
//   - What a face cannot express is an error of [Face.New], in a sentence that says
//     why. It is never made up.
//   - Bad input has the product's own reaction; it changes nothing and takes no more
//     memory than it has bytes itself. Each face has a fuzz target that says so.
//   - Facts about a product are written down with where they come from.
package faces
