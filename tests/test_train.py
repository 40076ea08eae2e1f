"""Training as a user runs it: what it leaves behind, and that being killed changes nothing."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import trained_folders
from PIL import Image

import train
from averaging import averaged_weights
from config import RunConfig
from presets import PRESETS
from run_settings import from_settings, to_settings
from run_state import RunState, save_weights
from runtime import read_card
from shell import UserError
from tasks import build_model, load_inputs, make_task
from training import CommitEpoch, StopAtNaN

ROOT = Path(train.__file__).parent


TRANSLATOR, READER, WRITER = "translator-digits-smoke", "recogniser-digits-smoke", "cvae-digits-smoke"
INVENTOR = "cgan-digits-smoke"
ASCII_READER = "recogniser-ascii-smoke"


def command(folder: Path, *settings: str, preset: str = TRANSLATOR) -> list[str]:
    places = [f"--{place}-dir={folder / place}" for place in ("logs", "images", "models")]
    return [sys.executable, str(ROOT / "train.py"), preset, *places, *settings]


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables}


def read_weights(folder: Path) -> list[np.ndarray]:
    model = build_model(from_settings(read_card(folder / "card.json")["config"]))
    model.load_weights(folder / f"{folder.name}.weights.h5")
    return model.get_weights()


def train_killed_twice(folder: Path, line: list[str], name: str) -> None:
    """Starts the run, kills it -9, starts it again, kills it at another point, then lets it end."""
    for epochs_done, pause in ((1, 0.0), (2, 0.15)):
        process = subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL)
        state = folder / "logs" / name / "state"
        deadline = time.monotonic() + 120
        while not list(state.glob(f"epoch-{epochs_done:04d}")):
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline, "no epoch was committed"
            time.sleep(0.01)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (folder / "models" / name).exists()
    subprocess.run(line, env=environment(), check=True, stdout=subprocess.DEVNULL)


def assert_same_bits(model: Path, other: Path) -> None:
    for value, again in zip(read_weights(model), read_weights(other), strict=True):
        np.testing.assert_array_equal(again, value)


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        (TRANSLATOR, ("--limit=1200", "--model.dropout=0.3", "--dataset-share=0.9", "--augment.share=0.5")),
        pytest.param(READER, ("--limit=1200", "--averaging=0.9"), marks=pytest.mark.slow),
        pytest.param(
            WRITER, ("--limit=1200", "--model.kl-warmup=60", "--model.prior-fitted=after"), marks=pytest.mark.slow
        ),
        pytest.param(INVENTOR, ("--limit=1200", "--averaging=0.9", "--augment.share=0.5"), marks=pytest.mark.slow),
    ],
)
def test_killed_twice_ends_with_the_bits_of_the_unbroken_run(tmp_path, preset, settings):
    assert_killing_changes_nothing(tmp_path, preset, *settings)


@pytest.mark.slow
def test_killed_twice_a_run_draws_its_pictures_anew_as_the_unbroken_one_did(tmp_path, data_dir):
    assert_killing_changes_nothing(tmp_path, ASCII_READER, "--limit=1200", "--redrawn=2", f"--data-dir={data_dir}")


def assert_killing_changes_nothing(tmp_path: Path, preset: str, *settings: str) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    lines = {folder: command(folder, "--epochs=4", *settings, preset=preset) for folder in (unbroken, broken)}
    subprocess.run(lines[unbroken], env=environment(), check=True, stdout=subprocess.DEVNULL)
    train_killed_twice(broken, lines[broken], preset)
    assert_same_bits(unbroken / "models" / preset, broken / "models" / preset)


def test_a_run_leaves_what_it_promises(smoke_run, smoke_model):
    logs, images = smoke_run.logs_dir / smoke_run.name, smoke_run.images_dir / smoke_run.name
    for part in ("train", "validation"):
        assert list((logs / part).glob("events.out.tfevents.*")), part
    assert Image.open(images / "epoch-0001.png").size == Image.open(images / "epoch-0002.png").size
    assert Image.open(images / "training.gif").n_frames == smoke_run.epochs
    assert {file.name for file in smoke_model.iterdir()} == {
        "card.json",
        "translator.onnx",
        "translator-digits-smoke.weights.h5",
    }
    assert not (logs / "state").exists(), "a finished run keeps nothing that only a restart needs"


def test_tensorboard_holds_curves_pictures_and_settings(smoke_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = smoke_run.logs_dir / smoke_run.name
    curves = {}
    for part in ("train", "validation"):
        events = EventAccumulator(str(folder / part), size_guidance={"tensors": 0}).Reload()
        curves[part] = {tag: len(events.Tensors(tag)) for tag in events.Tags()["tensors"]}
    for tag in ("epoch_reading_nats", "epoch_glyph_nats", "epoch_read_right"):
        assert curves["train"][tag] == curves["validation"][tag] == smoke_run.epochs
    assert curves["validation"]["progress"] == smoke_run.epochs
    assert "_hparams_/session_start_info" in EventAccumulator(str(folder / "validation")).Reload().summary_metadata


def test_tensorboard_finds_the_projector_below_its_logs(smoke_run):
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

    logs = str(smoke_run.logs_dir)
    multiplexer = EventMultiplexer().AddRunsFromDirectory(logs)
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, logs)
    plugin = ProjectorPlugin(TBContext(logdir=logs, multiplexer=multiplexer, data_provider=provider))
    plugin._update_configs()
    configs = plugin._configs
    assert list(configs) == [f"{smoke_run.name}/validation"]
    folder = smoke_run.logs_dir / smoke_run.name / "validation"
    captions = (folder / "captions.tsv").read_text().split()
    assert set(captions) == set("0123456789")
    assert len(captions) == len(np.loadtxt(folder / "features.tsv"))
    assert (folder / "sprites.png").exists()


def test_tensorboard_holds_the_confusion_matrix_of_every_epoch(smoke_reader_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = smoke_reader_run.logs_dir / smoke_reader_run.name / "validation"
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    pictures = events.Tensors("confusion")
    assert len(pictures) == smoke_reader_run.epochs
    width, height, png = pictures[0].tensor_proto.string_val[:3]
    assert Image.open(io.BytesIO(png)).size == (int(width), int(height))


def test_a_finished_run_is_not_trained_again(smoke_run):
    with pytest.raises(UserError, match="finished run.*--name"):
        train.main(smoke_run)


def test_other_settings_cannot_continue_a_run(smoke_run, tmp_path):
    changed = replace(smoke_run, logs_dir=tmp_path, seed=1)
    begun = tmp_path / changed.name / "config.json"
    begun.parent.mkdir()
    begun.write_text(json.dumps(to_settings(replace(changed, seed=0))))
    with pytest.raises(UserError, match="seed=0; received seed=1"):
        train.main(changed)


@pytest.mark.parametrize(
    ("preset", "unknown", "now"),
    [("recogniser-digits-smoke", "redrawn", {"redrawn": 3}), ("gan-digits-smoke", "model.mismatch", {})],
)
def test_a_setting_that_was_not_known_when_a_run_began_is_at_its_default(tmp_path, preset, unknown, now):
    run = replace(PRESETS[preset][1], logs_dir=tmp_path, **now)
    begun = to_settings(PRESETS[preset][1])
    *inside, name = unknown.split(".")
    del (begun[inside[0]] if inside else begun)[name]
    (tmp_path / run.name).mkdir()
    (tmp_path / run.name / "config.json").write_text(json.dumps(begun))
    if now:
        with pytest.raises(UserError, match="redrawn=0; received redrawn=3"):
            RunState(run)
    else:
        RunState(run)


@pytest.fixture
def policy():
    yield
    keras.config.set_dtype_policy("float32")


def places_below(folder: Path) -> dict[str, Path]:
    return {f"{place}_dir": folder / place for place in ("logs", "images", "models")}


def train_stopped_once(run: RunConfig, monkeypatch) -> None:
    """Trains in this process, stopped after the first epoch as by Ctrl-C and started again."""
    commit = CommitEpoch.on_epoch_end

    def commit_and_stop(callback, epoch, logs=None):
        commit(callback, epoch, logs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CommitEpoch, "on_epoch_end", commit_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train.main(run)
    train.main(run)


def history_of(logs: Path) -> list[dict[str, float]]:
    """Of all epochs, the best and the others, without how long they took."""
    history = json.loads((logs / "finished.json").read_text())["history"]
    return [{name: value for name, value in epoch.items() if name != "seconds"} for epoch in history]


def build_layers_up_to_two_digits() -> None:
    """Lets Keras number the next layers from 6 on, so that in the order of names some of them change their places."""
    keras.utils.clear_session()
    for _ in range(6):
        keras.layers.Conv2D(1, 1)
        keras.layers.Dense(1)


def test_a_model_of_another_kind_is_not_replaced(smoke_run, smoke_gan_run, tmp_path):
    places = places_below(tmp_path)
    folder = places["models_dir"] / smoke_run.name
    shutil.copytree(smoke_run.models_dir / smoke_run.name, folder)
    train.check_place(replace(smoke_run, **places))
    with pytest.raises(UserError, match=f"{folder}: holds a model made by a {type(smoke_run).__name__}.*--name"):
        train.main(replace(smoke_gan_run, name=smoke_run.name, **places))
    trained_folders.change_card(folder, config=None)
    train.check_place(replace(smoke_gan_run, name=smoke_run.name, **places))
    (folder / "card.json").write_text("damaged")
    train.check_place(replace(smoke_gan_run, name=smoke_run.name, **places))


def test_there_is_a_place_for_the_model_before_it_is_trained(smoke_run, tmp_path):
    (tmp_path / "file").touch()
    places = places_below(tmp_path) | {"models_dir": tmp_path / "file" / "models"}
    with pytest.raises(UserError, match=f"^--models-dir .*: expected a folder to write to, received {tmp_path}/file, "):
        train.main(replace(smoke_run, **places))
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("kind", ["smoke_reader_run", "smoke_writer_run", "smoke_gan_run"])
def test_a_run_stopped_by_ctrl_c_ends_with_the_bits_of_the_unbroken_one(request, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("calibration.CALIBRATED", 20)
    unbroken = request.getfixturevalue(kind)
    build_layers_up_to_two_digits()
    train_stopped_once(replace(unbroken, **places_below(tmp_path)), monkeypatch)
    assert_same_bits(unbroken.models_dir / unbroken.name, tmp_path / "models" / unbroken.name)
    assert history_of(unbroken.logs_dir / unbroken.name) == history_of(tmp_path / "logs" / unbroken.name)


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", ["smoke_run", "smoke_reader_run", "smoke_writer_run", "smoke_gan_run"])
def test_every_kind_learns_in_every_precision(request, kind, precision):
    keras.config.set_dtype_policy(precision)
    run = request.getfixturevalue(kind)
    task = make_task(run, **load_inputs(replace(run, limit=64)))
    model = task.build()
    model.compile(train.make_optimizer(run, steps=1), run_eagerly=True)
    losses = model.fit(task.training_batches(), epochs=1, steps_per_epoch=1, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert {weight.dtype for weight in model.trainable_variables} == {"float32"}


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize(
    ("preset", "told", "threads"),
    [
        ("cgan-digits-smoke", {}, [max(1, len(os.sched_getaffinity(0)) // 2), 2]),
        ("cvae-digits-smoke", {}, [0, 0]),
        ("cgan-digits-smoke", {"TF_NUM_INTEROP_THREADS": "1"}, [0, 0]),
    ],
)
def test_the_two_halves_of_a_gan_are_computed_at_once_unless_the_user_says_otherwise(preset, told, threads):
    program = (
        "import json\nfrom presets import PRESETS\nfrom train import start_backend\n"
        f"start_backend(PRESETS[{preset!r}][1])\nimport tensorflow as tf\nthreads = tf.config.threading\n"
        "print(json.dumps([threads.get_intra_op_parallelism_threads(), threads.get_inter_op_parallelism_threads()]))"
    )
    untold = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    done = subprocess.run([sys.executable, "-c", program], env=untold | told, cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == threads, done.stderr


@pytest.mark.parametrize(
    ("kind", "precision"),
    [
        ("smoke_run", "mixed_float16"),
        *(pytest.param(kind, precision, marks=pytest.mark.slow) for kind, precision in (
            ("smoke_run", "mixed_bfloat16"), ("smoke_reader_run", "mixed_bfloat16"),
            ("smoke_reader_run", "mixed_float16"), ("smoke_writer_run", "mixed_bfloat16"),
            ("smoke_writer_run", "mixed_float16"),
            ("smoke_gan_run", "mixed_bfloat16"), ("smoke_gan_run", "mixed_float16"))),
    ],
)  # fmt: skip
def test_every_precision_trains_stops_goes_on_and_exports(request, tmp_path, monkeypatch, kind, precision):
    run = replace(request.getfixturevalue(kind), name="half", precision=precision, **places_below(tmp_path))
    train_stopped_once(run, monkeypatch)
    card = json.loads((tmp_path / "models/half/card.json").read_text())
    assert card["epochs"]["trained"] == run.epochs
    assert keras.config.dtype_policy().name == precision


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_the_averages_of_the_weights_are_what_is_validated_and_kept(smoke_reader_run, tmp_path, monkeypatch, precision):
    monkeypatch.setattr("calibration.CALIBRATED", 20)
    run = replace(smoke_reader_run, name="averaged", averaging=0.9, precision=precision, **places_below(tmp_path))
    commit, seen = CommitEpoch.on_epoch_end, []

    def look_and_commit(callback, epoch, logs=None):
        model = callback.model
        with averaged_weights(model):
            validated = model.evaluate(validation, verbose=0, return_dict=True)["loss"]
            seen.append((logs["val_loss"], validated, [np.array(weight) for weight in model.trainable_variables]))
        commit(callback, epoch, logs)

    validation = make_task(run, **load_inputs(run)).validation_batches()
    monkeypatch.setattr(CommitEpoch, "on_epoch_end", look_and_commit)
    train.main(run)
    for val_loss, validated, _ in seen:
        assert val_loss == pytest.approx(validated, rel=1e-3)
    _, _, averages = min(seen, key=lambda epoch: epoch[0])
    model = build_model(replace(run, precision="float32"))
    model.load_weights(run.models_dir / "averaged/averaged.weights.h5")
    for kept, average in zip(model.trainable_variables, averages, strict=True):
        np.testing.assert_array_equal(kept, average)


@pytest.mark.parametrize(
    ("preset", "part", "names"),
    [
        (INVENTOR, "discriminator.onnx", (INVENTOR,)),
        ("gan-digits-smoke", "generator.onnx", ("gan-digits-smoke",)),
        *(pytest.param(preset, part, (preset, "again"), marks=pytest.mark.slow) for preset, part in (
            (TRANSLATOR, "translator.onnx"), (READER, "recogniser.onnx"), (WRITER, "prior.onnx"),
            (INVENTOR, "discriminator.onnx"))),
    ],
)  # fmt: skip
def test_jax_trains_on_two_devices(tmp_path, preset, part, names):
    devices = "--xla_force_host_platform_device_count=2"
    for name in names:
        done = subprocess.run(
            command(tmp_path, "--epochs=1", "--limit=65", f"--name={name}", preset=preset),
            env=environment(KERAS_BACKEND="jax", XLA_FLAGS=devices),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    card = json.loads((tmp_path / "models" / preset / "card.json").read_text())
    assert card["versions"]["backend"].startswith("jax ")
    assert part in card["files"]
    assert_same_bits(tmp_path / "models" / preset, tmp_path / "models" / names[-1])


TWO_DEVICES = """
import json, sys, tensorflow as tf
devices = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[2])
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
import train
from run_settings import from_settings
train.ACCELERATOR = "CPU"
train.main(from_settings(json.loads(sys.argv[1])))
"""


@pytest.mark.slow
def test_devices_that_share_a_batch_report_the_same_loss_and_go_on(smoke_run, tmp_path):
    losses = []
    for devices in (1, 2):
        places = places_below(tmp_path / str(devices))
        still = replace(smoke_run.augment, share=0.0)
        model = replace(smoke_run.model, dropout=0.0)
        run = replace(smoke_run, augment=still, model=model, limit=129, patience=1, learning_rate=1e-9, **places)
        line = [sys.executable, "-c", TWO_DEVICES, json.dumps(to_settings(run)), str(devices)]
        subprocess.run(line, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
        finished = json.loads((places["logs_dir"] / run.name / "finished.json").read_text())
        losses.append([finished["history"][0][name] for name in ("loss", "val_loss")])
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


@pytest.mark.parametrize(
    ("devices", "batch_size", "training", "validation", "told"),
    [
        (2, 63, 200, 200, "a batch that they can share evenly, received 63.*set --batch-size"),
        (2, 64, 63, 200, "a batch that they can share evenly, received 63.*set --batch-size"),
        (2, 64, 200, 1, "a number.* as many pictures for validation or more, received 1; show fewer"),
        (3, 63, 200, 200, "a number that divides 512.*; show fewer"),
    ],
)
def test_devices_that_cannot_share_a_batch_evenly_are_told(smoke_run, devices, batch_size, training, validation, told):
    batches = SimpleNamespace(order=range(training))
    checked = SimpleNamespace(order=range(validation), batch_size=512)
    with pytest.raises(UserError, match=f"^{devices} devices: expected {told}"):
        train.share_evenly(devices, replace(smoke_run, batch_size=batch_size), batches, checked)


def test_devices_leave_out_of_validation_what_they_cannot_share(smoke_run):
    checked = SimpleNamespace(order=range(515), batch_size=512)
    train.share_evenly(4, replace(smoke_run, batch_size=64), SimpleNamespace(order=range(65)), checked)
    assert len(checked.order) == 512


def test_a_half_deleted_older_epoch_does_not_stop_a_restart(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    for epoch, history in ((1, None), (2, [{"val_loss": 2.0}, {"val_loss": 1.0}])):
        folder = tmp_path / run.name / "state" / f"epoch-{epoch:04d}"
        folder.mkdir(parents=True)
        if history:
            (folder / "history.json").write_text(json.dumps(history))
    state = RunState(run)
    with state.claimed():
        assert len(state.history) == state.best_epoch == 2


def test_a_damaged_state_is_told(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    folder = tmp_path / run.name / "state" / "epoch-0001"
    folder.mkdir(parents=True)
    (folder / "history.json").write_text("[{")
    with pytest.raises(UserError, match="epoch-0001: expected an epoch's state.*delete"), RunState(run).claimed():
        pass


def test_a_run_is_trained_by_one_process_at_a_time(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    with RunState(run).claimed(), pytest.raises(UserError, match="another process"), RunState(run).claimed():
        pass
    with RunState(run).claimed():
        pass


def test_other_data_cannot_continue_a_run(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    with RunState(run).claimed(data_sha256="one"):
        pass
    with (
        pytest.raises(UserError, match="data_sha256='one'; received data_sha256='two'"),
        RunState(run).claimed(data_sha256="two"),
    ):
        pass


def test_a_run_that_a_mistake_ended_before_an_epoch_may_begin_otherwise(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    with pytest.raises(UserError, match="too few"), RunState(run).claimed():
        raise UserError("too few")
    with RunState(replace(run, batch_size=run.batch_size + 1)).claimed():
        pass


def test_a_mistake_later_on_leaves_the_run_as_it_began(smoke_run, tmp_path):
    run = replace(smoke_run, logs_dir=tmp_path)
    (tmp_path / run.name / "state" / "epoch-0001").mkdir(parents=True)
    (tmp_path / run.name / "state" / "epoch-0001" / "history.json").write_text("[]")
    with pytest.raises(UserError, match="full"), RunState(run).claimed():
        raise UserError("the disk is full")
    with pytest.raises(UserError, match="holds an interrupted run begun with"):
        RunState(replace(run, batch_size=run.batch_size + 1))


def test_a_diverged_run_says_so(smoke_run, tmp_path):
    state = RunState(replace(smoke_run, logs_dir=tmp_path))
    with pytest.raises(UserError, match="diverged in epoch 1.*--learning-rate"):
        state.commit(None, {"val_loss": float("nan")})


def test_a_loss_that_is_no_number_stops_the_run_at_its_step_and_keeps_the_epoch_before(
    smoke_gan_run, tmp_path, monkeypatch
):
    run = replace(smoke_gan_run, name="diverging", **places_below(tmp_path))
    ends = StopAtNaN.on_train_batch_end

    def diverge(callback, batch, logs=None):
        late = callback.epoch == 2 and batch >= 3
        ends(callback, batch, {**logs, "loss": float("nan")} if late else logs)

    monkeypatch.setattr(StopAtNaN, "on_train_batch_end", diverge)
    with pytest.raises(UserError, match=r"diverged in step 4 of epoch 2 \(loss=nan\); epoch 1 is kept in .*diverging;"):
        train.main(run)
    assert [saved.name for saved in (run.logs_dir / run.name / "state").glob("epoch-*")] == ["epoch-0001"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["translator-digit"], "translator-digits"),
        (["translator-digits", "--epoch=3"], "did you mean --epochs"),
        (["translator-digits", "--epochs=-3"], "`epochs` must lie in .* Received: epochs=-3"),
        (["translator-digits", "--redrawn-signs=0"], "`redrawn_signs` must be positive. Received: redrawn_signs=0"),
        (["translator-digits", "--dataset=mnits"], "did you mean 'mnist'"),
        (["translator-digits-smoke", "--model.alphabet=abc"], "no training images|there are none of"),
        (["translator-digits-smoke", "--model.fonts=Comic Sense"], "Comic Sense"),
        (["translator-digits", "--data-dir=/nowhere/at/all", "--dataset=unipen94"], "unipen94"),
        (["translator-digits-smoke", "--logs-dir=/proc/none"], "/proc/none"),
        (["translator-digits-smoke", "--model.image-size=32"], "28"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(arguments, message, tmp_path):
    line = [sys.executable, str(ROOT / "train.py"), *arguments]
    done = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert re.search(message, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_help_and_presets_need_no_tensorflow(tmp_path):
    program = "import sys, train, inference, generate, evaluate, visualize_model\n"
    program += "import data_processor, synthetic_image_generator\n"
    program += "assert not {'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules), 'too much is imported'"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    for preset in {type(run): preset for preset, (_, run) in PRESETS.items()}.values():  # one of each kind
        done = subprocess.run(
            [sys.executable, "train.py", preset, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert "--model.alphabet" in done.stdout


def test_a_backend_that_is_none_is_told(tmp_path):
    done = subprocess.run(command(tmp_path), env=environment(KERAS_BACKEND="jaxx"), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "error: KERAS_BACKEND=jaxx: expected tensorflow or jax (did you mean 'jax'?); set one, or unset the variable "
        "for tensorflow\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_plain_error_and_no_crash(tmp_path):
    (tmp_path / "full.weights.h5").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        save_weights(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), tmp_path / "full.weights.h5")
